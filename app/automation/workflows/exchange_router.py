"""/v1/workflows/import and /v1/workflows/{workflow_id}/export."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response

from app.automation.language.checking import DefinitionUnfit
from app.automation.workflows import exporting, importing
from app.automation.workflows.edge import BenchDep, find_later
from app.automation.workflows.errors import (
    TooManyWorkflows,
    WorkflowLabelNotFound,
    WorkflowNotFound,
    WorkflowUnreadable,
    WorkflowVersionNotFound,
)
from app.automation.workflows.exchange_schemas import (
    WorkflowExportQuery,
    WorkflowImport,
    WorkflowImported,
)
from app.automation.workflows.importing import Draft
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session

Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]
Writer = Annotated[Access, require(Permission.WORKFLOWS_WRITE)]

router = guarded_router(prefix="/v1/workflows", tag="workflows")

EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The document.",
        "content": {name: {} for name in exporting.MEDIA_TYPES.values()},
    }
}


async def _prepared(access: Writer, bench: BenchDep, wanted: WorkflowImport) -> Sequence[Draft]:
    """What the documents hold, read and checked before a session is opened."""
    return await importing.prepare(bench, access, wanted)


@router.post(
    "/import",
    operation_id="workflows_import",
    summary="Make workflows of documents in JSON or YAML",
    description=(
        "All of them, or none: what an export gives, or a definition alone. Documents may call "
        "each other's workflows; a slug that is taken here gets another end. What they name and "
        "is not there is told as a warning. With `dry_run=true` nothing is made."
    ),
    status_code=201,
    response_model=WorkflowImported,
    responses=problems(WorkflowUnreadable, DefinitionUnfit, TooManyWorkflows),
)
async def import_workflows(
    access: Writer,
    drafts: Annotated[Sequence[Draft], Depends(_prepared)],
    wanted: WorkflowImport,
    session: Session,
    kernel: KernelDep,
) -> WorkflowImported:
    find_later(session, kernel)
    return await importing.carry_out(session, access, wanted, drafts)


@router.get(
    "/{workflow_id}/export",
    operation_id="workflows_export",
    summary="Read a workflow as a document in JSON or YAML",
    response_class=Response,
    responses=EXPORTED | problems(WorkflowNotFound, WorkflowVersionNotFound, WorkflowLabelNotFound),
)
async def export_workflow(
    access: Reader,
    session: Session,
    workflow_id: UUID,
    query: Annotated[WorkflowExportQuery, Query()],
) -> Response:
    file = await exporting.export(session, access, workflow_id, query)
    disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type=file.media_type, headers=disposition)
