"""Workflows out of documents: read, checked, and made in one transaction."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, NamedTuple

from pydantic import ValidationError

from app.agents.definitions.checking import form_mistakes
from app.agents.definitions.documents import Unreadable, read_json, read_yaml
from app.automation.language.flow import Flow
from app.automation.workflows import service
from app.automation.workflows.checking import Bench, look_over, unfit
from app.automation.workflows.errors import WorkflowUnreadable
from app.automation.workflows.exchange_schemas import (
    WorkflowDocument,
    WorkflowImport,
    WorkflowImported,
)
from app.automation.workflows.exporting import FORMAT
from app.automation.workflows.models import WORKFLOW_KIND, Workflow
from app.automation.workflows.references import rename
from app.automation.workflows.schemas import WorkflowCreate, WorkflowRead
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.identity.versioned import rows
from app.identity.versioned.naming import plain_slug, slug_of


class Sheet(NamedTuple):
    """A workflow as a document has it, but for its slug; `at` is the document's pointer."""

    new: WorkflowCreate
    slug: str
    at: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A workflow that is ready to be made."""

    sheet: Sheet
    flow: Flow
    warnings: list[FieldError]


async def prepare(bench: Bench, access: Access, wanted: WorkflowImport) -> list[Draft]:
    """Read documents and check their definitions; no session is held meanwhile.

    Raises WorkflowUnreadable and DefinitionUnfit.
    """
    sheets = await asyncio.to_thread(_read_all, wanted)
    beside = frozenset(sheet.slug for sheet in sheets)
    drafts: list[Draft] = []
    wrong: list[FieldError] = []
    for sheet in sheets:
        at = f"{sheet.at}/definition"
        found = await look_over(bench, access, sheet.new.definition, beside=beside, at=at)
        wrong += found.errors
        if found.flow is not None:
            drafts.append(Draft(sheet, found.flow, found.warnings))
    if wrong:
        raise unfit(wrong)
    return drafts


async def carry_out(
    session: AsyncSession, access: Access, wanted: WorkflowImport, drafts: Sequence[Draft]
) -> WorkflowImported:
    """Make all of them, or none. Raises TooManyWorkflows."""
    wished = [draft.sheet.slug for draft in drafts]
    taken = await rows.taken_slugs(session, WORKFLOW_KIND, access.workspace_id, wished)
    slugs = {slug: slug_of(slug, "workflow") if slug in taken else slug for slug in wished}
    made: list[Workflow] = []
    warnings: list[FieldError] = []
    for draft in drafts:
        sheet, slug = draft.sheet, slugs[draft.sheet.slug]
        if slug != sheet.slug:
            said = f"`{sheet.slug}` is not free here; it is `{slug}`"
            warnings.append(FieldError(sheet.at, "slug_changed", said))
        warnings += draft.warnings
        rename(draft.flow, slugs)
        changes = {"slug": slug, "visibility": wanted.visibility, "note": "Imported."}
        new = sheet.new.model_copy(update=changes)
        made.append((await service.create(session, access, new, draft.flow)).workflow)
    return WorkflowImported.model_validate(
        {"data": [WorkflowRead.model_validate(each) for each in made], "warnings": warnings}
    )


def _read_all(wanted: WorkflowImport) -> list[Sheet]:
    """Raises WorkflowUnreadable, and DefinitionUnfit for slugs that two workflows have."""
    sheets = []
    for position, document in enumerate(wanted.documents):
        try:
            sheets.append(_read(document, wanted.format, position))
        except Unreadable as error:
            raise WorkflowUnreadable(position, str(error)) from None
    counts = Counter(sheet.slug for sheet in sheets)
    twice = [
        FieldError(sheet.at, "name_twice", f"`{sheet.slug}` is there twice")
        for sheet in sheets
        if counts[sheet.slug] > 1
    ]
    if twice:
        raise unfit(twice)
    return sheets


def _read(document: WorkflowDocument, form: str | None, position: int) -> Sheet:
    """Raises Unreadable, and DefinitionUnfit for what an envelope cannot hold."""
    text = document.content
    is_json = form == "json" or (form is None and text.lstrip()[:1] == "{")
    value = read_json(text) if is_json else read_yaml(text)
    if not isinstance(value, dict):
        raise Unreadable("it is no object")
    stem = PurePath(document.name or "").stem[:60] or f"workflow-{position + 1}"
    value.pop("$schema", None)
    told = _told(value, stem)
    at = f"/body/documents/{position}"
    try:
        new = WorkflowCreate.model_validate(told)
    except ValidationError as error:
        raise unfit(list(form_mistakes(error, told, at))) from None
    slug = new.slug or plain_slug(new.name) or f"workflow-{position + 1}"
    return Sheet(new, slug, at)


def _told(value: dict[str, Any], name: str) -> dict[str, Any]:
    """What an envelope says, or a bare definition in one; raises Unreadable."""
    if "definition" not in value:
        return {"name": name, "definition": value}
    form = value.pop("format", FORMAT)
    if form != FORMAT:
        raise Unreadable(f"its format is `{form}`, and not `{FORMAT}`")
    return {"name": value.get("slug") or name, **value}
