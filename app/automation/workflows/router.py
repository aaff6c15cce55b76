"""/v1/workflows."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.automation.language.checking import DefinitionUnfit
from app.automation.workflows import checking, duplicating, service
from app.automation.workflows.edge import BenchDep, find_later
from app.automation.workflows.errors import (
    TooManyWorkflows,
    TooManyWorkflowVersions,
    WorkflowLabelNotFound,
    WorkflowNotFound,
    WorkflowNotYours,
    WorkflowReadOnly,
    WorkflowSlugTaken,
    WorkflowVersionNotFound,
)
from app.automation.workflows.models import Workflow
from app.automation.workflows.schemas import (
    WorkflowBulk,
    WorkflowCreate,
    WorkflowDetail,
    WorkflowDuplicate,
    WorkflowQuery,
    WorkflowRead,
    WorkflowUpdate,
    WorkflowValidate,
    WorkflowValidation,
    WorkflowWritten,
)
from app.automation.workflows.service import Checked
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.identity.versioned.schemas import VersionChoice

Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]
Writer = Annotated[Access, require(Permission.WORKFLOWS_WRITE)]

router = guarded_router(prefix="/v1/workflows", tag="workflows")


async def _checked(access: Writer, bench: BenchDep, new: WorkflowCreate) -> Checked:
    """A new workflow's definition, before a session is opened."""
    beside = frozenset({new.slug} if new.slug else ())
    flow, warnings = await checking.expect_sound(bench, access, new.definition, beside=beside)
    return Checked(flow, warnings)


async def _checked_change(
    access: Writer, bench: BenchDep, workflow_id: UUID, change: WorkflowUpdate
) -> Checked | None:
    if change.definition is None:
        return None
    async with bench.database.unit(access.scope) as session:
        slug, base, value = await service.changed(session, access, workflow_id, change.definition)
    itself = frozenset({slug, str(workflow_id)})
    flow, warnings = await checking.expect_sound(bench, access, value, beside=itself)
    return Checked(flow, warnings, base)


New = Annotated[Checked, Depends(_checked)]
Change = Annotated[Checked | None, Depends(_checked_change)]


@router.get(
    "",
    operation_id="workflows_list",
    summary="List the workflows that the caller sees, newest first",
    response_model=Page[WorkflowRead],
    responses=problems(CursorInvalid),
)
async def list_workflows(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[WorkflowQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="workflows_create",
    summary="Make a workflow",
    description=(
        "Its definition becomes version 1. What is wrong with it is told with a pointer to each "
        "mistake; what it names and is not there is a warning."
    ),
    status_code=201,
    response_model=WorkflowWritten,
    responses=problems(WorkflowSlugTaken, TooManyWorkflows, DefinitionUnfit),
)
async def create_workflow(
    access: Writer,
    new: WorkflowCreate,
    checked: New,
    session: Session,
    kernel: KernelDep,
    response: Response,
) -> WorkflowWritten:
    made = await service.create(session, access, new, checked.flow)
    find_later(session, kernel)
    response.headers["Location"] = f"/v1/workflows/{made.workflow.id}"
    return service.written(made, checked.warnings)


@router.post(
    "/bulk",
    operation_id="workflows_bulk",
    summary="Delete or restore up to 500 workflows",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_workflows(
    access: Writer, session: Session, kernel: KernelDep, request: WorkflowBulk
) -> BulkResult:
    find_later(session, kernel)
    return await service.bulk(session, access, request.items)


@router.post(
    "/validate",
    operation_id="workflows_validate",
    summary="Tell all mistakes of a definition; nothing is saved",
    dependencies=[off_rails("it reads and changes nothing")],
    response_model=WorkflowValidation,
    responses=problems(),
)
async def validate_workflow(
    access: Writer, bench: BenchDep, request: WorkflowValidate
) -> WorkflowValidation:
    found = await checking.look_over(bench, access, request.definition)
    return WorkflowValidation.model_validate(
        {"valid": not found.errors, "errors": found.errors, "warnings": found.warnings}
    )


@router.get(
    "/{workflow_id}",
    operation_id="workflows_get",
    summary="Show a workflow, with its newest definition or another version",
    response_model=WorkflowDetail,
    responses=problems(WorkflowNotFound, WorkflowVersionNotFound, WorkflowLabelNotFound),
)
async def get_workflow(
    access: Reader,
    session: Session,
    workflow_id: UUID,
    choice: Annotated[VersionChoice, Query()],
) -> WorkflowDetail:
    return service.shown(await service.see(session, access, workflow_id, choice))


@router.patch(
    "/{workflow_id}",
    operation_id="workflows_update",
    summary="Change a workflow; another definition makes a new version",
    response_model=WorkflowWritten,
    responses=problems(
        WorkflowNotFound,
        WorkflowReadOnly,
        WorkflowNotYours,
        WorkflowSlugTaken,
        TooManyWorkflowVersions,
    ),
)
async def update_workflow(
    access: Writer,
    workflow_id: UUID,
    change: WorkflowUpdate,
    checked: Change,
    session: Session,
    kernel: KernelDep,
) -> WorkflowWritten:
    find_later(session, kernel)
    changed = await service.update(session, access, workflow_id, change, checked)
    return service.written(changed, checked.warnings if checked else [])


@router.delete(
    "/{workflow_id}",
    operation_id="workflows_delete",
    summary="Delete a workflow; it can be restored for 30 days",
    status_code=204,
    responses=problems(WorkflowNotFound, WorkflowNotYours),
)
async def delete_workflow(
    access: Writer, session: Session, kernel: KernelDep, workflow_id: UUID
) -> None:
    find_later(session, kernel)
    await service.delete(session, access, workflow_id)


@router.post(
    "/{workflow_id}/restore",
    operation_id="workflows_restore",
    summary="Bring a deleted workflow back, with all its versions",
    response_model=WorkflowRead,
    responses=problems(
        WorkflowNotFound, WorkflowNotYours, WorkflowSlugTaken, TooManyWorkflows, RestoreExpired
    ),
)
async def restore_workflow(
    access: Writer, session: Session, kernel: KernelDep, workflow_id: UUID
) -> Workflow:
    find_later(session, kernel)
    return await service.restore(session, access, workflow_id)


@router.post(
    "/{workflow_id}/duplicate",
    operation_id="workflows_duplicate",
    summary="Make a new workflow of one version of this one",
    status_code=201,
    response_model=WorkflowDetail,
    responses=problems(
        WorkflowNotFound, WorkflowVersionNotFound, WorkflowSlugTaken, TooManyWorkflows
    ),
)
async def duplicate_workflow(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    workflow_id: UUID,
    change: WorkflowDuplicate,
    response: Response,
) -> WorkflowDetail:
    made = await duplicating.duplicate(session, access, workflow_id, change)
    find_later(session, kernel)
    response.headers["Location"] = f"/v1/workflows/{made.workflow.id}"
    return service.shown(made)
