"""Agents out of documents: read, fitted to the workspace, and made in one transaction."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Final

from pydantic import ValidationError

from app.agents.definitions import (
    a2a_card,
    checking,
    documents,
    fast_agent,
    service,
)
from app.agents.definitions.capabilities import fitting_model
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.desk import Desk
from app.agents.definitions.documents import Sketch, Unreadable
from app.agents.definitions.errors import DefinitionInvalid, DocumentUnreadable
from app.agents.definitions.exchange_schemas import AgentImport, AgentImported, ImportedDocument
from app.agents.definitions.models import AGENT_KIND, Agent
from app.agents.definitions.references import renamed
from app.agents.definitions.schemas import AgentCreate, AgentRead
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import AppError, FieldError
from app.identity.versioned import rows
from app.identity.versioned.naming import plain_slug, slug_of

MOST_AGENTS: Final = 32


@dataclass(slots=True)
class Draft:
    """An agent that is ready to be made, but for what the workspace has; `at` is its pointer."""

    sketch: Sketch
    definition: dict[str, Any]
    at: str
    warnings: list[FieldError] = field(default_factory=list)

    def warn(self, code: str, detail: str, place: str = "") -> None:
        self.warnings.append(FieldError(f"{self.at}{place}", code, detail))


async def prepare(desk: Desk, access: Access, wanted: AgentImport) -> list[Draft]:
    """Read documents, and ask tools and models; no session is held meanwhile.

    Raises DocumentUnreadable and DefinitionInvalid.
    """
    sketches = await asyncio.to_thread(_read_all, wanted)
    drafts, wrong = [], list[FieldError]()
    for sketch in sketches:
        at = f"/body/documents/{sketch.position}"
        draft = Draft(sketch, sketch.definition, at)
        for said in sketch.warnings:
            draft.warn("left_out", said)
        try:
            definition = AgentDefinition.model_validate(sketch.definition)
        except ValidationError as error:
            wrong += checking.form_mistakes(error, sketch.definition, f"{at}/definition")
            continue
        wrong += checking.own_mistakes(definition, f"{at}/definition")
        drafts.append(draft)
    if wrong:
        raise DefinitionInvalid(wrong)
    for draft in drafts:
        await _fit_outside(desk, access, draft)
    return drafts


async def carry_out(
    session: AsyncSession, access: Access, wanted: AgentImport, drafts: Sequence[Draft]
) -> AgentImported:
    """Make all of them, or none. Raises TooManyAgents and DefinitionInvalid."""
    names = await _slugs(session, access, drafts)
    made: list[Agent] = []
    warnings: list[FieldError] = []
    for draft in drafts:
        definition = await _fit_inside(session, access, draft, names)
        sketch = draft.sketch
        new = _created(draft, names[sketch.ref], definition, wanted)
        made.append((await service.add(session, access, new)).agent)
        warnings += draft.warnings
    return AgentImported.model_validate(
        {
            "data": [AgentRead.model_validate(agent) for agent in made],
            "warnings": [
                {"pointer": each.pointer, "code": each.code, "detail": each.detail}
                for each in warnings
            ],
        }
    )


def _created(
    draft: Draft, slug: str, definition: AgentDefinition, wanted: AgentImport
) -> AgentCreate:
    sketch = draft.sketch
    told = {
        "name": sketch.name[:200],
        "slug": slug,
        "description": sketch.description[:2000],
        "visibility": wanted.visibility,
        "note": "Imported.",
        "metadata": sketch.metadata,
    }
    try:
        new = AgentCreate.model_validate(told)
    except ValidationError as error:
        raise DefinitionInvalid(list(checking.form_mistakes(error, told, draft.at))) from None
    return new.model_copy(update={"definition": definition})


def _read_all(wanted: AgentImport) -> list[Sketch]:
    """Raises DocumentUnreadable, and DefinitionInvalid for names that two agents have."""
    found: list[Sketch] = []
    for position, document in enumerate(wanted.documents):
        name = PurePath(document.name or f"agent-{position + 1}").stem[:60] or "agent"
        try:
            found += _read(document, wanted.format, position, name)
        except Unreadable as error:
            raise DocumentUnreadable(position, str(error)) from None
        if len(found) > MOST_AGENTS:
            raise DocumentUnreadable(position, f"more than {MOST_AGENTS} agents at once")
    found = fast_agent.merge_fan_ins(found)
    counts = Counter(sketch.ref for sketch in found)
    twice = [
        FieldError(f"/body/documents/{each.position}", "name_twice", f"`{each.ref}` is there twice")
        for each in found
        if counts[each.ref] > 1
    ]
    if twice:
        raise DefinitionInvalid(twice)
    return found


def _read(document: ImportedDocument, form: str | None, position: int, name: str) -> list[Sketch]:
    text = document.content
    suffix = PurePath(document.name or "").suffix.lower()
    if form == "fast_agent" or (
        form is None and (suffix in (".md", ".markdown") or fast_agent.is_markdown(text))
    ):
        return [fast_agent.sketch_of(fast_agent.card_of(text), position, name)]
    is_json = form in ("json", "a2a") or (form is None and text.lstrip()[:1] == "{")
    value = documents.read_json(text) if is_json else documents.read_yaml(text)
    if form == "a2a" or (form is None and a2a_card.is_card(value)):
        return [a2a_card.sketch_of(value, position, name)]
    if form is None and isinstance(value, dict) and _is_fast_agent(value):
        return [fast_agent.sketch_of(value, position, name)]
    return documents.own_sketches(value, position, name)


def _is_fast_agent(value: dict[str, Any]) -> bool:
    return "instruction" in value or str(value.get("type")) in fast_agent.TYPES


async def _fit_outside(desk: Desk, access: Access, draft: Draft) -> None:
    """Name tools that are not there yet, and take a model that is not away."""
    definition = AgentDefinition.model_validate(draft.definition)
    for each in await checking.tool_mistakes(desk, access, definition, ""):
        draft.warn(each.code, each.detail, f"/definition{each.pointer}")
    model, at_model = definition.model, "/definition/model"
    if model is not None:
        found = await _known_model(desk, access, definition, model)
        if found is None:
            draft.warn(
                "model_unknown", f"`{model}` is not there: the usual model answers", at_model
            )
        draft.definition = {**draft.definition, "model": found}
        definition = definition.model_copy(update={"model": found})
    try:
        await fitting_model(desk, access, definition)
    except AppError as error:
        draft.warn(error.code, error.detail, at_model)


async def _known_model(
    desk: Desk, access: Access, definition: AgentDefinition, model: str
) -> str | None:
    """A model as it is named here; fast-agent writes `openai.gpt-5?reasoning=low`."""
    for name in dict.fromkeys((model, model.replace(".", "/", 1), model.partition("?")[0])):
        tried = definition.model_copy(update={"model": name})
        if not await checking.model_mistakes(desk, access, tried, ""):
            return name
    return None


async def _slugs(session: AsyncSession, access: Access, drafts: Sequence[Draft]) -> dict[str, str]:
    """A free slug for each, by the name that the others call it by."""
    wanted = {d.sketch.ref: plain_slug(d.sketch.slug or d.sketch.ref) for d in drafts}
    taken = await rows.taken_slugs(session, AGENT_KIND, access.workspace_id, list(wanted.values()))
    given: dict[str, str] = {}
    for draft in drafts:
        slug = wanted[draft.sketch.ref]
        if not slug or slug in taken or slug in given.values():
            made = slug_of(slug, "agent")
            draft.warn("slug_changed", f"`{slug}` is not free here; it is `{made}`")
            slug = made
        given[draft.sketch.ref] = slug
    return given


async def _fit_inside(
    session: AsyncSession, access: Access, draft: Draft, names: dict[str, str]
) -> AgentDefinition:
    """The definition with the names of here, and without what is nowhere here.

    Raises DefinitionInvalid for a pattern's agents that are not there.
    """
    document = renamed(draft.definition, names)
    definition = AgentDefinition.model_validate(document)
    beside = frozenset(names.values())
    missing = await checking.known_mistakes(session, access, definition, beside=beside, at="")
    wrong = [each for each in missing if each.pointer.startswith("/pattern")]
    if wrong:
        raise DefinitionInvalid(
            [FieldError(f"{draft.at}/definition{w.pointer}", w.code, w.detail) for w in wrong]
        )
    for each in missing:
        draft.warn(each.code, f"{each.detail}: left out", f"/definition{each.pointer}")
    return AgentDefinition.model_validate(_without(document, [m.pointer for m in missing]))


def _without(document: dict[str, Any], pointers: Sequence[str]) -> dict[str, Any]:
    """A definition without some items of its lists (`/collections/0`)."""
    gone = {tuple(pointer.strip("/").split("/")) for pointer in pointers}
    return {
        name: [each for index, each in enumerate(value) if (name, str(index)) not in gone]
        if isinstance(value, list)
        else value
        for name, value in document.items()
    }
