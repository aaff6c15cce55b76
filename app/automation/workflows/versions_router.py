"""/v1/workflows/{workflow_id}/versions, /diff, /rollback and /labels."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from app.automation.workflows import service
from app.automation.workflows.comparing import compare
from app.automation.workflows.edge import find_later
from app.automation.workflows.errors import (
    TooManyWorkflowLabels,
    TooManyWorkflowVersions,
    WorkflowLabelNotFound,
    WorkflowNotFound,
    WorkflowReadOnly,
    WorkflowVersionNotFound,
)
from app.automation.workflows.models import WORKFLOW_KIND, Workflow, WorkflowVersion
from app.automation.workflows.schemas import WorkflowDetail, WorkflowRead
from app.automation.workflows.version_schemas import (
    WorkflowDiff,
    WorkflowDiffQuery,
    WorkflowRollback,
    WorkflowVersionDetail,
    WorkflowVersionQuery,
    WorkflowVersionRead,
)
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.identity.versioned import versions
from app.identity.versioned.errors import LabelReserved
from app.identity.versioned.schemas import Label, LabelPut

Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]
Writer = Annotated[Access, require(Permission.WORKFLOWS_WRITE)]
Number = Annotated[int, Path(ge=1, le=1_000_000)]
LabelPath = Annotated[Label, Path()]

router = guarded_router(prefix="/v1/workflows/{workflow_id}", tag="workflow_versions")


@router.get(
    "/versions",
    operation_id="workflow_versions_list",
    summary="List a workflow's versions, newest first",
    response_model=Page[WorkflowVersionRead],
    responses=problems(WorkflowNotFound, CursorInvalid),
)
async def list_versions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    workflow_id: UUID,
    query: Annotated[WorkflowVersionQuery, Query()],
) -> object:
    workflow = await service.get(session, access, workflow_id)
    return await versions.page(session, WORKFLOW_KIND, workflow, query, kernel.cursors)


@router.get(
    "/versions/{number}",
    operation_id="workflow_versions_get",
    summary="Show a version of a workflow",
    response_model=WorkflowVersionDetail,
    responses=problems(WorkflowNotFound, WorkflowVersionNotFound),
)
async def get_version(
    access: Reader, session: Session, workflow_id: UUID, number: Number
) -> WorkflowVersion:
    workflow = await service.get(session, access, workflow_id)
    return await versions.get(session, WORKFLOW_KIND, workflow, number)


@router.get(
    "/diff",
    operation_id="workflow_versions_compare",
    summary="Show what differs between two versions of a workflow",
    response_model=WorkflowDiff,
    responses=problems(WorkflowNotFound, WorkflowVersionNotFound),
)
async def compare_versions(
    access: Reader,
    session: Session,
    workflow_id: UUID,
    query: Annotated[WorkflowDiffQuery, Query()],
) -> WorkflowDiff:
    return await compare(session, access, workflow_id, query)


@router.post(
    "/rollback",
    operation_id="workflow_versions_rollback",
    summary="Make an old version's definition the newest version",
    description=(
        "Labels stay where they are. Whether what the old version names is still there is told by "
        "`POST /v1/workflows/validate`, and by the next run."
    ),
    response_model=WorkflowDetail,
    responses=problems(
        WorkflowNotFound, WorkflowReadOnly, WorkflowVersionNotFound, TooManyWorkflowVersions
    ),
)
async def roll_back(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    workflow_id: UUID,
    wanted: WorkflowRollback,
) -> WorkflowDetail:
    find_later(session, kernel)
    seen = await service.roll_back(session, access, workflow_id, wanted.version, wanted.note)
    return service.shown(seen)


@router.put(
    "/labels/{label}",
    operation_id="workflow_labels_put",
    summary="Have a label name a version",
    description="Runs take the version `production` where there is one. `draft` is the newest.",
    response_model=WorkflowRead,
    responses=problems(
        WorkflowNotFound,
        WorkflowReadOnly,
        WorkflowVersionNotFound,
        LabelReserved,
        TooManyWorkflowLabels,
    ),
)
async def put_label(
    access: Writer, session: Session, workflow_id: UUID, label: LabelPath, wanted: LabelPut
) -> Workflow:
    workflow = await service.get(session, access, workflow_id, to="write", for_update=True)
    return await versions.label(session, WORKFLOW_KIND, workflow, label, wanted.version)


@router.delete(
    "/labels/{label}",
    operation_id="workflow_labels_delete",
    summary="Take a label away",
    status_code=204,
    responses=problems(WorkflowNotFound, WorkflowReadOnly, WorkflowLabelNotFound, LabelReserved),
)
async def delete_label(
    access: Writer, session: Session, workflow_id: UUID, label: LabelPath
) -> None:
    workflow = await service.get(session, access, workflow_id, to="write", for_update=True)
    await versions.unlabel(session, WORKFLOW_KIND, workflow, label)
