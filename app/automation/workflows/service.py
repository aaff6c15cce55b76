"""What a person does with workflows, and how runs find them."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.agents.definitions.changes import patched
from app.automation.language.flow import Flow
from app.automation.workflows import crud, finding, versions
from app.automation.workflows.models import WORKFLOW_KIND, Workflow, WorkflowVersion
from app.automation.workflows.schemas import (
    WorkflowBulkItem,
    WorkflowCreate,
    WorkflowDetail,
    WorkflowQuery,
    WorkflowRead,
    WorkflowUpdate,
    WorkflowWritten,
)
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import PreconditionFailed, etag_of, match
from app.identity.sharing.service import Shareable
from app.identity.versioned import keeping, rows
from app.identity.versioned import versions as numbered
from app.identity.versioned.keeping import To
from app.identity.versioned.naming import slug_of
from app.identity.versioned.schemas import VersionChoice

# Of a merge patch: the field, its column, and what null makes of it.
_COLUMNS: Final = (
    ("name", "name", str),
    ("slug", "slug", str),
    ("visibility", "visibility", str),
    ("enabled", "enabled", bool),
    ("description", "description", str),
    ("tags", "tags", list),
    ("metadata", "notes", dict),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A workflow with one of its versions."""

    workflow: Workflow
    version: WorkflowVersion


@dataclass(frozen=True, slots=True)
class Checked:
    """A definition that is sound; `base` is the number of the version that it was made of."""

    flow: Flow
    warnings: list[FieldError]
    base: int | None = None


async def create(session: AsyncSession, access: Access, new: WorkflowCreate, flow: Flow) -> Seen:
    """`flow` is the definition, checked. Raises TooManyWorkflows and WorkflowSlugTaken."""
    await keeping.expect_room(session, WORKFLOW_KIND, access)
    workflow = Workflow(
        id=new_id(),
        workspace_id=access.workspace_id,
        owner_id=access.user_id,
        name=new.name,
        description=new.description,
        visibility=new.visibility,
        enabled=new.enabled,
        tags=new.tags,
        current_version=0,
        notes=new.metadata,
    )
    workflow.slug = new.slug or slug_of(new.name, "workflow", workflow.id.hex)
    version = versions.made(access, workflow, flow, new.note)
    await rows.save(session, WORKFLOW_KIND, workflow)
    await rows.keep(session, version)
    await finding.index(session, access, workflow, flow)
    return Seen(workflow, version)


async def get(
    session: AsyncSession,
    access: Access,
    workflow_id: UUID,
    *,
    to: To = "read",
    for_update: bool = False,
) -> Workflow:
    """A living workflow that the caller sees.

    Raises WorkflowNotFound, and where they may do less WorkflowReadOnly, WorkflowNotYours.
    """
    return await keeping.get(
        session, WORKFLOW_KIND, access, workflow_id, to=to, for_update=for_update
    )


async def see(
    session: AsyncSession, access: Access, workflow_id: UUID, choice: VersionChoice
) -> Seen:
    """Raises WorkflowNotFound, WorkflowVersionNotFound and WorkflowLabelNotFound."""
    workflow = await get(session, access, workflow_id)
    number = numbered.number_of(WORKFLOW_KIND, workflow, choice.version, choice.label)
    return Seen(workflow, await numbered.get(session, WORKFLOW_KIND, workflow, number))


async def resolve(
    session: AsyncSession,
    access: Access,
    reference: str | UUID,
    version: int | None = None,
    label: str | None = None,
) -> tuple[Workflow, WorkflowVersion]:
    """The workflow of a slug or an id (a UUID is no slug), in the version that a run is to take.

    Without version and label it is what `production` names, or the newest one where nothing is in
    production. Raises WorkflowNotFound, WorkflowVersionNotFound and WorkflowLabelNotFound.
    """
    return await keeping.resolve(session, WORKFLOW_KIND, access, reference, version, label)


async def find(session: AsyncSession, access: Access, reference: str) -> Workflow:
    """A living workflow by its slug or its id; raises WorkflowNotFound."""
    return await keeping.find(session, WORKFLOW_KIND, access, reference)


async def page(
    session: AsyncSession, access: Access, query: WorkflowQuery, cursors: Cursors
) -> Slice[Workflow]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def changed(
    session: AsyncSession, access: Access, workflow_id: UUID, patch: dict[str, Any]
) -> tuple[str, int, dict[str, Any]]:
    """The workflow's slug, its newest version's number, and what a merge patch makes of that.

    Raises what `get` raises.
    """
    workflow = await get(session, access, workflow_id, to="write")
    newest = await numbered.get(session, WORKFLOW_KIND, workflow, workflow.current_version)
    return workflow.slug, newest.number, patched(newest.definition, patch)


async def update(
    session: AsyncSession,
    access: Access,
    workflow_id: UUID,
    change: WorkflowUpdate,
    checked: Checked | None,
) -> Seen:
    """`checked` is what the definition becomes.

    Raises WorkflowSlugTaken, TooManyWorkflowVersions, PreconditionFailed where somebody made a
    version meanwhile, and what `get` raises.
    """
    given = change.model_fields_set
    to: To = "own" if "visibility" in given else "write"
    workflow = await get(session, access, workflow_id, to=to, for_update=True)
    await match(session, workflow)
    for field, column, empty in _COLUMNS:
        if field in given:
            setattr(workflow, column, getattr(change, field) or empty())
    if workflow.visibility == "private" and workflow.owner_id is None:
        workflow.owner_id = access.user_id
    version = None
    if checked is not None:
        if checked.base != workflow.current_version:
            raise PreconditionFailed(etag_of(workflow.version))
        version = await versions.next_of(session, access, workflow, checked.flow, change.note)
    return await _saved(session, access, workflow, version)


async def roll_back(
    session: AsyncSession, access: Access, workflow_id: UUID, number: int, note: str
) -> Seen:
    """Make an old version's definition the newest one; where it is already, nothing changes.

    Raises WorkflowVersionNotFound, TooManyWorkflowVersions, and what `get` raises.
    """
    workflow = await get(session, access, workflow_id, to="write", for_update=True)
    await match(session, workflow)
    old = await numbered.get(session, WORKFLOW_KIND, workflow, number)
    said = note or f"Back to version {number}."
    version = await versions.next_of(session, access, workflow, versions.flow_of(old), said)
    return await _saved(session, access, workflow, version)


async def _saved(
    session: AsyncSession, access: Access, workflow: Workflow, version: WorkflowVersion | None
) -> Seen:
    await rows.save(session, WORKFLOW_KIND, workflow)
    if version is None:
        version = await numbered.get(session, WORKFLOW_KIND, workflow, workflow.current_version)
    else:
        await rows.keep(session, version)
    await session.refresh(workflow)
    await finding.index(session, access, workflow, versions.flow_of(version))
    return Seen(workflow, version)


async def delete(session: AsyncSession, access: Access, workflow_id: UUID) -> None:
    """Soft: nobody finds or starts it any more, and `restore` brings it back for 30 days."""
    workflow = await keeping.delete(session, WORKFLOW_KIND, access, workflow_id)
    await finding.forget(session, workflow)


async def restore(session: AsyncSession, access: Access, workflow_id: UUID) -> Workflow:
    """Bring a deleted one back; a living one stays as it is.

    Raises RestoreExpired, TooManyWorkflows and WorkflowSlugTaken.
    """
    workflow, was_deleted = await keeping.restore(session, WORKFLOW_KIND, access, workflow_id)
    if was_deleted:
        newest = await numbered.get(session, WORKFLOW_KIND, workflow, workflow.current_version)
        await finding.index(session, access, workflow, versions.flow_of(newest))
    return workflow


async def bulk(session: AsyncSession, access: Access, items: list[WorkflowBulkItem]) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: WorkflowBulkItem) -> UUID:
        await (delete if item.action == "delete" else restore)(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def shareable(session: AsyncSession, access: Access, workflow_id: UUID) -> Shareable:
    """A workflow that the caller may share; raises WorkflowNotFound and WorkflowNotYours."""
    return await keeping.shareable(session, WORKFLOW_KIND, access, workflow_id)


def shown(seen: Seen) -> WorkflowDetail:
    workflow = WorkflowRead.model_validate(seen.workflow).model_dump(exclude={"metadata"})
    return WorkflowDetail.model_validate(
        {
            **workflow,
            "notes": seen.workflow.notes,
            "definition_version": seen.version.number,
            "definition": seen.version.definition,
        }
    )


def written(seen: Seen, warnings: list[FieldError]) -> WorkflowWritten:
    told = shown(seen).model_dump(exclude={"metadata"})
    return WorkflowWritten.model_validate(
        {**told, "notes": seen.workflow.notes, "warnings": warnings}
    )
