"""Templates with values in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from app.agents.definitions.definition import AgentDefinition
from app.agents.templates import crud, filling, service, versions
from app.agents.templates import variables as variable
from app.agents.templates.body import AgentBody, PromptBody
from app.agents.templates.content import Content, content_of, definition_of, messages_of
from app.agents.templates.errors import TemplateArchived, TemplateVariablesInvalid
from app.agents.templates.models import Template, TemplateVersion
from app.agents.templates.schemas import Chosen
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.inference.usage.service import estimate_text

MOST_VALUE_BYTES: Final = 256 * 1024
POINTER: Final = "/body/variables"


@dataclass(frozen=True, slots=True)
class Used:
    """A version with values for its variables."""

    template: Template
    version: TemplateVersion
    content: Content
    values: dict[str, Any]


async def taken(session: AsyncSession, access: Access, template_id: UUID, wanted: Chosen) -> Used:
    """The version that is meant, and the values with the defaults.

    Raises TemplateArchived, TemplateVariablesInvalid, and what finds templates and versions raises.
    """
    template = await service.get(session, access, template_id)
    if template.status == "archived":
        raise TemplateArchived("Publish it to use it again.")
    version = await versions.chosen(session, template, wanted)
    content = content_of(version)
    return Used(template, version, content, completed(content, wanted.variables))


def completed(content: Content, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the defaults; raises TemplateVariablesInvalid."""
    if len(orjson.dumps(given)) > MOST_VALUE_BYTES:
        too_long = FieldError(POINTER, "too_long", "are longer than 256 KiB")
        raise TemplateVariablesInvalid([too_long])
    values, wrong = variable.filled(content.variables, given, POINTER)
    if wrong:
        raise TemplateVariablesInvalid(wrong)
    return values


async def render(
    session: AsyncSession, access: Access, template_id: UUID, wanted: Chosen
) -> dict[str, Any]:
    """The fields of a TemplateRendered."""
    used = await taken(session, access, template_id, wanted)
    told = rendered(used.content, used.values)
    await crud.count_use(session, access.workspace_id, used.version.id, "renders")
    return {
        "template_id": used.template.id,
        "version": used.version.number,
        "kind": used.template.kind,
        "variables": used.values,
        **told,
    }


def rendered(content: Content, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a template says with these values; raises TemplateVariablesInvalid."""
    body = content.body
    told: dict[str, Any] = {"messages": None, "definition": None, "members": None}
    if isinstance(body, PromptBody):
        told["messages"] = said_by(body, values)
    elif isinstance(body, AgentBody):
        told["definition"] = defined(body.definition, values).model_dump(mode="json")
        told["members"] = [
            {
                "key": member.key,
                "name": member.name,
                "definition": defined(member.definition, values).model_dump(mode="json"),
            }
            for member in body.members
        ]
    else:
        told["definition"] = filling.fill_flow(body.workflow, values)
    return {**told, "tokens": _tokens(told)}


def said_by(body: PromptBody, values: Mapping[str, Any]) -> list[dict[str, str]]:
    """A prompt's messages; raises TemplateVariablesInvalid where a value does not fit its text."""
    try:
        return messages_of(body, values)
    except ValueError as error:
        wrong = FieldError(POINTER, TemplateVariablesInvalid.code, str(error))
        raise TemplateVariablesInvalid([wrong]) from error


def defined(document: Mapping[str, Any], values: Mapping[str, Any]) -> AgentDefinition:
    """Raises TemplateVariablesInvalid: with its defaults the definition was valid."""
    definition, wrong = definition_of(document, values, "/definition")
    if definition is None:
        raise TemplateVariablesInvalid(wrong)
    return definition


def _tokens(told: Mapping[str, Any]) -> int:
    """Of messages, or of the instructions of all agents; a workflow's steps are not read as one."""
    if told["messages"] is not None:
        return sum(estimate_text(each["content"]) for each in told["messages"])
    agents = [told["definition"], *(each["definition"] for each in told["members"] or ())]
    return sum(estimate_text(str(each.get("instructions", ""))) for each in agents)
