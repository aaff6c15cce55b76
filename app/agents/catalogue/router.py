"""/v1/tools."""

from typing import Annotated

from fastapi import Query

from app.agents.agents import AgentsDep
from app.agents.catalogue import service
from app.agents.catalogue.schemas import ToolQuery, ToolRead
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.TOOLS_READ)]

router = guarded_router(prefix="/v1/tools", tag="tools")


@router.get(
    "",
    operation_id="tools_list",
    summary="List the tools that agents can use",
    description="Those that come with the service, the workspace's own, and those of its servers.",
    response_model=Page[ToolRead],
    responses=problems(CursorInvalid),
)
async def list_tools(
    access: Reader, kernel: KernelDep, agents: AgentsDep, query: Annotated[ToolQuery, Query()]
) -> object:
    return await service.page(agents.tools, access, query, kernel.cursors)
