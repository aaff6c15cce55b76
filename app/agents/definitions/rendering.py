"""Instructions as a model is told them: the template with a run's variables."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from typing import Any, Final

import orjson

from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.errors import InstructionsFailed, VariablesInvalid
from app.agents.definitions.json_schemas import mistakes
from app.core.errors import FieldError

MOST_BYTES: Final = 65_536
# What every template may name beside the variables that its definition declares.
ALWAYS_THERE: Final = frozenset({"agent", "locale", "today"})


def render(
    definition: AgentDefinition,
    variables: Mapping[str, Any],
    *,
    agent_name: str,
    today: date,
    pointer: str = "/body/variables",
) -> str:
    """The instructions with a run's variables and the defaults of those that it leaves out.

    Raises VariablesInvalid, with pointers below `pointer`, and InstructionsFailed.
    """
    from app.agents.definitions.templates import (  # noqa: PLC0415 - Jinja is not needed at start
        TemplateUnfit,
        rendered,
    )

    values = completed(definition, variables, pointer=pointer)
    values |= {"agent": agent_name, "locale": definition.locale, "today": today.isoformat()}
    try:
        return rendered(definition.instructions, values)
    except TemplateUnfit as error:
        raise InstructionsFailed(str(error)) from None


def completed(
    definition: AgentDefinition, variables: Mapping[str, Any], *, pointer: str = "/body/variables"
) -> dict[str, Any]:
    """A run's variables with defaults; raises VariablesInvalid."""
    if len(orjson.dumps(dict(variables))) > MOST_BYTES:
        raise VariablesInvalid([FieldError(pointer, "too_long", "are longer than 64 KiB")])
    schema = definition.variables
    if schema is None:
        unknown = [FieldError(f"{pointer}/{name}", "unknown_variable", "is not declared")
                   for name in variables]  # fmt: skip
        if unknown:
            raise VariablesInvalid(unknown)
        return {}
    values = _with_defaults(schema, dict(variables))
    wrong = mistakes(schema, values, pointer)
    if wrong:
        raise VariablesInvalid(wrong)
    return values


def _with_defaults(schema: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Those of the properties that are left out, and of objects within."""
    properties = schema.get("properties")
    for name, told in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(told, Mapping):
            continue
        if name not in values and "default" in told:
            values[name] = deepcopy(told["default"])
        if isinstance(values.get(name), dict):
            values[name] = _with_defaults(told, dict(values[name]))
    return values
