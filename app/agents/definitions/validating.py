"""All that is wrong with a definition at once, and the schema that it has to satisfy."""

from typing import Any

from pydantic import ValidationError

from app.agents.definitions import capabilities, checking
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.desk import Desk
from app.agents.definitions.errors import CapabilityMismatch
from app.agents.definitions.schemas import AgentValidation, DefinitionSchema
from app.core.auth import Access
from app.core.errors import AppError, FieldError
from app.core.json_bounds import with_bounds

DIALECT = "https://json-schema.org/draft/2020-12/schema"


async def validate(desk: Desk, access: Access, value: dict[str, Any]) -> AgentValidation:
    try:
        definition = AgentDefinition.model_validate(value)
    except ValidationError as error:
        return _told(list(checking.form_mistakes(error, value)))
    errors = checking.own_mistakes(definition)
    async with desk.database.unit(access.scope) as session:
        errors += await checking.known_mistakes(session, access, definition)
    errors += await checking.outside_mistakes(desk, access, definition)
    warnings: list[FieldError] = []
    try:
        fitting = await capabilities.fitting_model(desk, access, definition)
    except CapabilityMismatch as error:
        errors += error.errors
    except AppError as error:
        warnings.append(FieldError(f"{checking.AT}/model", error.code, error.detail))
    else:
        if fitting.chosen:
            said = f"{fitting.reason}: {fitting.model} would answer"
            warnings.append(FieldError(f"{checking.AT}/model", "model_chosen", said))
    return _told(errors, warnings, capabilities.needs(definition))


def _told(
    errors: list[FieldError],
    warnings: list[FieldError] | None = None,
    needed: capabilities.Needs | None = None,
) -> AgentValidation:
    return AgentValidation.model_validate(
        {
            "valid": not errors,
            "errors": errors,
            "warnings": warnings or [],
            "needs": sorted(needed.capabilities) if needed else [],
            "context_tokens": needed.context if needed else None,
        }
    )


def schema() -> DefinitionSchema:
    made = with_bounds(AgentDefinition.model_json_schema())
    return DefinitionSchema.model_validate({"$schema": DIALECT, **made})
