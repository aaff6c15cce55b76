"""What is wrong with a definition beyond its form: each mistake with its pointer."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from app.agents.definitions import capabilities
from app.agents.definitions.definition import AgentDefinition, When
from app.agents.definitions.desk import Desk
from app.agents.definitions.errors import DefinitionInvalid
from app.agents.definitions.json_schemas import mistake_in, mistakes, part_of
from app.agents.definitions.models import AGENT_KIND, Agent
from app.agents.definitions.references import references
from app.agents.definitions.rendering import ALWAYS_THERE
from app.agents.tools.tool import Wanted
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.errors import AppError, FieldError, NotFound
from app.identity.versioned import keeping
from app.inference.guardrails import service as guardrails
from app.inference.integrations.errors import NoModel
from app.knowledge.collections import service as collections
from app.knowledge.dictionary.dictionaries import service as dictionaries

AT = "/body/definition"


def parsed(value: Any, at: str = AT) -> AgentDefinition:
    """A definition out of JSON; raises DefinitionInvalid."""
    try:
        return AgentDefinition.model_validate(value)
    except ValidationError as error:
        raise DefinitionInvalid(list(form_mistakes(error, value, at))) from None


def form_mistakes(error: ValidationError, value: Any, at: str = AT) -> Iterator[FieldError]:
    """Pydantic's own; the branches of unions that it names on its way are no places."""
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        steps, node = [], value
        for position, step in enumerate(each["loc"]):
            is_last = position == len(each["loc"]) - 1
            if _has(node, step):
                node = node[step]
            elif not (is_last and each["type"] == "missing"):
                continue
            steps.append(str(step).replace("~", "~0").replace("/", "~1"))
        said = str(each["msg"]).removeprefix("Value error, ")
        yield FieldError("/".join([at, *steps]), each["type"].replace(".", "_"), said)


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)


def own_mistakes(definition: AgentDefinition, at: str = AT) -> list[FieldError]:
    """Those that the definition shows by itself: schemas and the template."""
    found = [
        FieldError(f"{at}/{place}", "schema_invalid", reason)
        for place, schema in _schemas(definition)
        if (reason := mistake_in(schema)) is not None
    ]
    variables = definition.variables
    if not found and variables is not None and variables.get("type", "object") != "object":
        found.append(FieldError(f"{at}/variables/type", "schema_invalid", "must be `object`"))
    if not found:
        found += _wrong_defaults(definition, at)
    return [*found, *_template_mistakes(definition, at)]


def _schemas(definition: AgentDefinition) -> Iterator[tuple[str, dict[str, Any]]]:
    if definition.variables is not None:
        yield "variables", definition.variables
    if definition.output_schema is not None:
        yield "output_schema", definition.output_schema
    for index, use in enumerate(definition.tools):
        if isinstance(use.approval, When):
            yield f"tools/{index}/approval/when", use.approval.when


def _properties(definition: AgentDefinition) -> dict[str, Any]:
    found = (definition.variables or {}).get("properties")
    return found if isinstance(found, dict) else {}


def _wrong_defaults(definition: AgentDefinition, at: str) -> Iterator[FieldError]:
    for name, told in _properties(definition).items():
        step = name.replace("~", "~0").replace("/", "~1")
        place = f"{at}/variables/properties/{step}"
        if name in ALWAYS_THERE:
            yield FieldError(place, "variable_reserved", "is always there, and cannot be set")
        if isinstance(told, dict) and "default" in told:
            schema = part_of(definition.variables or {}, f"/properties/{step}")
            yield from mistakes(schema, told["default"], f"{place}/default")


def _template_mistakes(definition: AgentDefinition, at: str) -> list[FieldError]:
    from app.agents.definitions.templates import (  # noqa: PLC0415 - Jinja is not needed at start
        TemplateUnfit,
        names_in,
    )

    place = f"{at}/instructions"
    try:
        named = names_in(definition.instructions) if "{" in definition.instructions else frozenset()
    except TemplateUnfit as error:
        return [FieldError(place, "template_invalid", str(error))]
    declared = ALWAYS_THERE | _properties(definition).keys()
    return [
        FieldError(place, "unknown_variable", f"names `{name}`, which `variables` do not declare")
        for name in sorted(named - declared)
    ]


async def known_mistakes(
    session: AsyncSession,
    access: Access,
    definition: AgentDefinition,
    *,
    itself: Agent | None = None,
    beside: frozenset[str] = frozenset(),
    at: str = AT,
) -> list[FieldError]:
    """Names and ids that the caller cannot see; agents of an import stand `beside` each other."""
    named = dict(references(definition))
    seen = await keeping.known(session, AGENT_KIND, access, set(named.values()))
    found = []
    for place, name in named.items():
        if itself is not None and name in (itself.slug, str(itself.id)):
            found.append(FieldError(f"{at}/{place}", "agent_names_itself", "is this agent itself"))
        elif name not in seen and name not in beside:
            found.append(FieldError(f"{at}/{place}", "agent_not_found", f"there is no `{name}`"))
    for field, permission, get in _KINDS:
        ids: Sequence[UUID] = getattr(definition, field) or ()
        may = permission in access.permissions
        for index, each in enumerate(ids):
            if not (may and await _is_there(get, session, access, each)):
                place = f"{at}/{field}/{index}"
                found.append(FieldError(place, f"{field}_not_found", "is not there"))
    return found


_KINDS: tuple[
    tuple[str, Permission, Callable[[AsyncSession, Access, UUID], Awaitable[object]]], ...
]
_KINDS = (
    ("collections", Permission.COLLECTIONS_READ, collections.get),
    ("dictionaries", Permission.DICTIONARY_READ, dictionaries.get),
    ("guardrails", Permission.GUARDRAILS_READ, guardrails.get),
)


async def _is_there(
    get: Callable[[AsyncSession, Access, UUID], Awaitable[object]],
    session: AsyncSession,
    access: Access,
    each: UUID,
) -> bool:
    try:
        await get(session, access, each)
    except NotFound:
        return False
    return True


async def outside_mistakes(
    desk: Desk, access: Access, definition: AgentDefinition, at: str = AT
) -> list[FieldError]:
    """What tools and models say; no session is held meanwhile."""
    return [
        *await tool_mistakes(desk, access, definition, at),
        *await model_mistakes(desk, access, definition, at),
        *await _unusable(desk, access, definition.compaction.model, f"{at}/compaction/model"),
    ]


async def tool_mistakes(
    desk: Desk, access: Access, definition: AgentDefinition, at: str = AT
) -> list[FieldError]:
    found, names = [], set[str]()
    for index, use in enumerate(definition.tools):
        place = f"{at}/tools/{index}"
        try:
            opened = await desk.tools.open(access, Wanted(use.tool, use.config))
        except AppError as error:
            found.append(FieldError(place, error.code, error.detail))
            continue
        twice = names & {tool.name for tool in opened}
        names |= {tool.name for tool in opened}
        found += [FieldError(place, "tool_name_taken", f"another tool is called `{name}`")
                  for name in sorted(twice)]  # fmt: skip
    return found


async def model_mistakes(
    desk: Desk, access: Access, definition: AgentDefinition, at: str = AT
) -> list[FieldError]:
    return await _unusable(desk, access, definition.model, f"{at}/model")


async def _unusable(desk: Desk, access: Access, model: str | None, place: str) -> list[FieldError]:
    if model is None:
        return []
    try:
        await capabilities.plan_for(desk, access, model)
    except NoModel:
        return []
    except AppError as error:
        return [FieldError(place, error.code, error.detail)]
    return []


async def expect_usable(desk: Desk, access: Access, definition: AgentDefinition) -> None:
    """Raises DefinitionInvalid and CapabilityMismatch, before a session is opened."""
    expect_sound(definition)
    if found := await outside_mistakes(desk, access, definition):
        raise DefinitionInvalid(found)
    try:
        await capabilities.fitting_model(desk, access, definition)
    except NoModel:
        return


def expect_sound(definition: AgentDefinition) -> None:
    """Raises DefinitionInvalid for what it shows by itself."""
    if found := own_mistakes(definition):
        raise DefinitionInvalid(found)


async def expect_known(
    session: AsyncSession,
    access: Access,
    definition: AgentDefinition,
    itself: Agent | None = None,
) -> None:
    """Raises DefinitionInvalid for what the definition names and is not there."""
    if found := await known_mistakes(session, access, definition, itself=itself):
        raise DefinitionInvalid(found)
