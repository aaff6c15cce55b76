"""Templates out of a file, each on its own: one that is refused leaves the others imported."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from app.agents.templates import crud, keeping
from app.agents.templates.body import Evidence
from app.agents.templates.content import Content, read
from app.agents.templates.importing.found import FoundTemplate, NotATemplate
from app.agents.templates.importing.openai import is_prompt, prompt_id, read_prompt
from app.agents.templates.importing.own import is_own, read_own
from app.agents.templates.importing.reading import documents_in
from app.agents.templates.keeping import Sheet
from app.agents.templates.maker import Makers
from app.agents.templates.models import Template
from app.agents.templates.schemas import Category, Language, TemplateImport
from app.agents.templates.service import author_of
from app.agents.templates.versions import DRAFT, MOST_LABELS
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.core.schema import Problem
from app.identity.versioned.schemas import Label

MOST_METADATA: Final = 16_384
MOST_LEFT_OUT: Final = 100
_CATEGORY: Final[TypeAdapter[str]] = TypeAdapter(Category)
_LANGUAGE: Final[TypeAdapter[str]] = TypeAdapter(Language)
_LABEL: Final[TypeAdapter[str]] = TypeAdapter(Label)
Group = list[dict[str, Any]]


async def import_file(
    session: AsyncSession, access: Access, wanted: TemplateImport, makers: Makers
) -> dict[str, Any]:
    """The fields of a TemplateImported; raises TemplateFileInvalid."""
    groups = list(_groups(documents_in(wanted.content)))
    await crud.take_turn(session, access.workspace_id)
    outcomes = [await _import(session, access, wanted, group, makers) for group in groups]
    return {"format": format_of(groups), "data": outcomes}


def format_of(groups: Sequence[Group]) -> str:
    """`luminous`, `openai_prompts`, `mixed` or `unknown`."""
    names = {
        "luminous" if is_own(first) else "openai_prompts" if is_prompt(first) else "unknown"
        for first, *_ in groups
    }
    return names.pop() if len(names) == 1 else "mixed"


def _groups(documents: Sequence[dict[str, Any]]) -> Iterator[Group]:
    """Objects about the same prompt of OpenAI belong together: each may be a version of it."""
    by_id: dict[str, Group] = {}
    for document in documents:
        known = None if is_own(document) else prompt_id(document)
        if known is None:
            yield [document]
        elif known in by_id:
            by_id[known].append(document)
        else:
            by_id[known] = [document]
    yield from by_id.values()


async def _import(
    session: AsyncSession, access: Access, wanted: TemplateImport, group: Group, makers: Makers
) -> dict[str, Any]:
    first = group[0]
    told: dict[str, Any] = {
        "source": str(prompt_id(first) or first.get("id") or first.get("name") or "")[:200],
        "name": str(first.get("name") or "")[:200],
        "template_id": None,
        "versions": 0,
        "left_out": [],
        "error": None,
    }
    try:
        async with session.begin_nested():
            found = _found(group)
            told["name"], told["left_out"] = found.name, found.left_out[:MOST_LEFT_OUT]
            return told | await _keep(session, access, wanted, found, makers)
    except ValidationError as error:
        refused: AppError = NotATemplate(_sentence(error))
    except AppError as error:
        refused = error
    return told | {"status": "refused", "error": Problem.model_validate(refused.problem())}


def _found(group: Group) -> FoundTemplate:
    """Raises NotATemplate."""
    first = group[0]
    if is_own(first):
        return read_own(first)
    if is_prompt(first):
        return read_prompt(group)
    if is_evaluation(first):
        raise NotATemplate("It is an evaluation: send it to POST /v1/evaluations/import.")
    raise NotATemplate("It is neither a template of ours nor a prompt of OpenAI's.")


def is_evaluation(document: Mapping[str, Any]) -> bool:
    """Whether it is an eval of OpenAI's, or a line of one's data."""
    named = ("testing_criteria", "data_source_config", "eval_id")
    return document.get("object") == "eval" or any(name in document for name in (*named, "item"))


async def _keep(
    session: AsyncSession,
    access: Access,
    wanted: TemplateImport,
    found: FoundTemplate,
    makers: Makers,
) -> dict[str, Any]:
    """Its versions as a new template, or those that the one imported before has not yet."""
    contents = [read(each.content) for each in found.versions]
    template = None
    if found.source_id:
        template = await crud.of_source(
            session, access.workspace_id, access.user_id, found.source_id
        )
    known = {} if template is None else await _digests(session, template)
    status, added = "unchanged", 0
    for version, content in zip(found.versions, contents, strict=True):
        if content.digest in known:
            continue
        sheet = _sheet(wanted, found, version.note, version.evidence)
        if template is None:
            template, status = await _add(session, access, sheet, found, content), "imported"
        else:
            await keeping.add_version(session, template, access.user_id, sheet, content)
            status = "imported" if status == "imported" else "updated"
        makers.expect_sound(content)
        known[content.digest] = template.current_version
        added += 1
    if template is None:
        raise NotATemplate("It has no versions.")
    numbers = {
        each.number: known[content.digest]
        for each, content in zip(found.versions, contents, strict=True)
    }
    if added:
        template.labels = {**template.labels, **_labels(found, numbers)}
        if len(template.labels) > MOST_LABELS:
            raise NotATemplate(f"A template has at most {MOST_LABELS} labels.")
        await session.flush()
    return {"status": status, "template_id": template.id, "versions": added}


def _labels(found: FoundTemplate, numbers: Mapping[int, int]) -> dict[str, int]:
    """Which versions the labels of the file name here; raises ValidationError."""
    return {
        _LABEL.validate_python(name): numbers[at]
        for name, at in found.labels.items()
        if at in numbers and name != DRAFT
    }


async def _add(
    session: AsyncSession, access: Access, sheet: Sheet, found: FoundTemplate, content: Content
) -> Template:
    made = await keeping.add(session, author_of(access), sheet, content)
    made.source_id = found.source_id or None
    return made


async def _digests(session: AsyncSession, template: Template) -> dict[str, int]:
    versions = await crud.all_versions(session, template.workspace_id, template.id)
    return {each.digest: each.number for each in versions}


def _sheet(
    wanted: TemplateImport, found: FoundTemplate, note: str, evidence: dict[str, Any] | None
) -> Sheet:
    """Raises ValidationError."""
    if evidence is not None:
        evidence = Evidence.model_validate(evidence).model_dump(mode="json")
    metadata = found.metadata
    if len(orjson.dumps(metadata)) > MOST_METADATA:
        metadata = {}
        found.left_out.append("metadata of more than 16 KiB")
    return Sheet(
        found.name,
        found.description,
        _CATEGORY.validate_python(found.category or wanted.category),
        _LANGUAGE.validate_python(found.language),
        wanted.visibility,
        metadata=metadata,
        origin="import",
        note=note,
        evidence=evidence,
    )


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = "".join(f"/{part}" for part in first["loc"])
    return f"{place}: {first['msg']}"[:500]
