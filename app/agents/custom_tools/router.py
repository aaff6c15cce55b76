"""/v1/tools/custom."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.agents.custom_tools import service
from app.agents.custom_tools.edge import CustomToolsDep
from app.agents.custom_tools.errors import ToolInvalid, ToolNotFound, ToolSlugTaken
from app.agents.custom_tools.models import CustomTool
from app.agents.custom_tools.schemas import (
    CustomToolBulk,
    CustomToolCreate,
    CustomToolQuery,
    CustomToolTrial,
    CustomToolUpdate,
)
from app.agents.custom_tools.schemas_read import CustomToolRead, CustomToolTrialRead
from app.agents.custom_tools.trying import try_out
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.net import AddressRefused
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.TOOLS_READ)]
Writer = Annotated[Access, require(Permission.TOOLS_WRITE)]

router = guarded_router(prefix="/v1/tools/custom", tag="custom_tools")


@router.get(
    "",
    operation_id="custom_tools_list",
    summary="List the workspace's own tools, newest first",
    response_model=Page[CustomToolRead],
    responses=problems(CursorInvalid),
)
async def list_tools(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[CustomToolQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="custom_tools_create",
    summary="Make a tool of an HTTP service",
    description=(
        "Agents name it as `custom:<slug>`. Arguments are checked by `parameters`, put into the "
        "request by `request`, and what comes back is cut and marked as material."
    ),
    status_code=201,
    response_model=CustomToolRead,
    responses=problems(ToolSlugTaken, ToolInvalid, AddressRefused),
)
async def create_tool(
    access: Writer, session: Session, kernel: KernelDep, new: CustomToolCreate, response: Response
) -> CustomTool:
    made = await service.create(session, access, new, kernel.outbound)
    response.headers["Location"] = f"/v1/tools/custom/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="custom_tools_bulk",
    summary="Delete, restore or switch up to 500 tools",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_tools(access: Writer, session: Session, request: CustomToolBulk) -> BulkResult:
    return await service.bulk(session, access, request.items)


@router.get(
    "/{tool_id}",
    operation_id="custom_tools_get",
    summary="Show one of the workspace's own tools",
    response_model=CustomToolRead,
    responses=problems(ToolNotFound),
)
async def get_tool(access: Reader, session: Session, tool_id: UUID) -> CustomTool:
    return await service.get(session, access, tool_id)


@router.patch(
    "/{tool_id}",
    operation_id="custom_tools_update",
    summary="Change one of the workspace's own tools",
    response_model=CustomToolRead,
    responses=problems(ToolNotFound, ToolInvalid, AddressRefused),
)
async def update_tool(
    access: Writer, session: Session, kernel: KernelDep, tool_id: UUID, change: CustomToolUpdate
) -> CustomTool:
    return await service.update(session, access, tool_id, change, kernel.outbound)


@router.delete(
    "/{tool_id}",
    operation_id="custom_tools_delete",
    summary="Delete one of the workspace's own tools; it can be restored for 30 days",
    status_code=204,
    responses=problems(ToolNotFound),
)
async def delete_tool(access: Writer, session: Session, tool_id: UUID) -> None:
    await service.delete(session, access, tool_id)


@router.post(
    "/{tool_id}/restore",
    operation_id="custom_tools_restore",
    summary="Bring a deleted tool back",
    response_model=CustomToolRead,
    responses=problems(ToolNotFound, ToolSlugTaken, RestoreExpired),
)
async def restore_tool(access: Writer, session: Session, tool_id: UUID) -> CustomTool:
    return await service.restore(session, access, tool_id)


@router.post(
    "/{tool_id}/test",
    operation_id="custom_tools_test",
    summary="Call a tool with arguments, or show what it would send",
    description="Secrets are masked in all that is shown. What fails is told in `error`.",
    response_model=CustomToolTrialRead,
    responses=problems(ToolNotFound),
    dependencies=[off_rails("it is a try itself; with `send` false it sends nothing")],
)
async def test_tool(
    access: Writer,
    kernel: KernelDep,
    source: CustomToolsDep,
    tool_id: UUID,
    trial: CustomToolTrial,
) -> CustomToolTrialRead:
    async with kernel.database.unit(access.scope) as session:
        tool = source.ready(await service.get(session, access, tool_id))
    return await try_out(tool, access, trial)
