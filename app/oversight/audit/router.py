"""/v1/audit-logs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from fastapi.responses import StreamingResponse

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.oversight.audit import service
from app.oversight.audit.errors import AuditLogNotFound
from app.oversight.audit.exporting import begin_export
from app.oversight.audit.schemas import (
    AuditCheckpointRead,
    AuditExportQuery,
    AuditLogQuery,
    AuditLogRead,
)

Reader = Annotated[Access, require(Permission.AUDIT_READ)]

MEDIA = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, streamed.",
        "content": {"application/x-ndjson": {}, "text/csv": {}},
    }
}

router = guarded_router(prefix="/v1/audit-logs", tag="audit-logs")


@router.get(
    "",
    operation_id="audit_logs_list",
    summary="List what happened in the workspace, newest first",
    response_model=Page[AuditLogRead],
    responses=problems(CursorInvalid),
)
async def list_audit_logs(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[AuditLogQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/export",
    operation_id="audit_logs_export",
    dependencies=[sensitive],
    summary="Export the audit trail as JSON Lines or CSV",
    description=(
        "JSON Lines can be verified offline with `luminous audit verify FILE`: the file ends with "
        "a signed checkpoint, and rows that the filters leave out are told by their digest. The "
        "export is itself noted in the trail."
    ),
    response_class=StreamingResponse,
    responses=EXPORTED | problems(),
)
async def export_audit_logs(
    access: Reader, kernel: KernelDep, query: Annotated[AuditExportQuery, Query()]
) -> StreamingResponse:
    export = await begin_export(kernel.database, kernel.vault, access, query)
    headers = {
        "Content-Disposition": f'attachment; filename="{export.file_name}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(export.stream(), headers=headers, media_type=MEDIA[query.format])


@router.get(
    "/checkpoints",
    operation_id="audit_checkpoints_list",
    summary="List the signed checkpoints of the trail, newest first",
    response_model=Page[AuditCheckpointRead],
    responses=problems(CursorInvalid),
)
async def list_audit_checkpoints(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    return await service.checkpoints(session, access, query, kernel.cursors)


@router.get(
    "/{audit_log_id}",
    operation_id="audit_logs_get",
    summary="Show one thing that happened",
    response_model=AuditLogRead,
    responses=problems(AuditLogNotFound),
)
async def get_audit_log(access: Reader, session: Session, audit_log_id: UUID) -> AuditLogRead:
    return await service.get(session, access, audit_log_id)
