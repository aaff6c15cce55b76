"""/v1/usage."""

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse

from app.core.auth import Access, Permission
from app.core.errors import BadRequest
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.prices.edge import PricesDep
from app.inference.usage import reports, reports_calls
from app.inference.usage.schemas import (
    UsageCallQuery,
    UsageCallRead,
    UsageFilter,
    UsageQuery,
    UsageRow,
)

Reader = Annotated[Access, require(Permission.USAGE_READ)]
EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file, streamed.", "content": {"text/csv": {}}}
}

router = guarded_router(prefix="/v1/usage", tag="usage")


@router.get(
    "",
    operation_id="usage_list",
    summary="Sum up model calls by any dimension",
    description="Of the whole workspace and every surface, in the order of the dimensions.",
    response_model=Page[UsageRow],
    responses=problems(CursorInvalid),
)
async def list_usage(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    prices: PricesDep,
    query: Annotated[UsageQuery, Query()],
) -> object:
    pricing = await prices.get(access.workspace_id)
    return await reports.page(session, access.workspace_id, query, kernel.cursors, pricing)


@router.get(
    "/calls",
    operation_id="usage_calls_list",
    summary="List model calls, newest first",
    response_model=Page[UsageCallRead],
    responses=problems(CursorInvalid),
)
async def list_calls(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[UsageCallQuery, Query()]
) -> object:
    return await reports_calls.page(session, access.workspace_id, query, kernel.cursors)


@router.get(
    "/export",
    operation_id="usage_export",
    summary="Export model calls as CSV",
    description="A line a call, oldest first. The export is noted in the audit trail.",
    response_class=StreamingResponse,
    responses=EXPORTED | problems(BadRequest),
)
async def export_calls(
    access: Reader,
    kernel: KernelDep,
    prices: PricesDep,
    query: Annotated[UsageFilter, Query()],
) -> StreamingResponse:
    pricing = await prices.get(access.workspace_id)
    await reports_calls.note_export(kernel.database, access, query)
    file = reports_calls.csv_file(kernel.database, access, query, pricing)
    headers = {
        "Content-Disposition": 'attachment; filename="usage.csv"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(file, headers=headers, media_type="text/csv; charset=utf-8")
