"""/v1/mcp-servers."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.agents.mcp_servers import asking, service
from app.agents.mcp_servers.errors import (
    McpCommandNotAllowed,
    McpServerNotFound,
    McpServerSlugTaken,
    McpToolChanged,
    TooManyMcpServers,
)
from app.agents.mcp_servers.models import McpServer
from app.agents.mcp_servers.noting import Found
from app.agents.mcp_servers.schemas import (
    McpConfirm,
    McpServerBulk,
    McpServerCreate,
    McpServerQuery,
    McpServerUpdate,
    McpToolQuery,
)
from app.agents.mcp_servers.schemas_read import McpServerRead, McpToolRead
from app.agents.mcp_servers.source import McpSource
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

router = guarded_router(prefix="/v1/mcp-servers", tag="mcp_servers")


def source_of(request: Request) -> McpSource:
    source: McpSource = request.app.state.agents.mcp
    return source


SourceDep = Annotated[McpSource, Depends(source_of)]


def allowed_of(kernel: KernelDep) -> service.Allowed:
    return service.Allowed(kernel.outbound, kernel.settings.mcp_stdio_commands)


AllowedDep = Annotated[service.Allowed, Depends(allowed_of)]


@router.get(
    "",
    operation_id="mcp_servers_list",
    summary="List the workspace's MCP servers, newest first",
    response_model=Page[McpServerRead],
    responses=problems(CursorInvalid),
)
async def list_servers(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[McpServerQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="mcp_servers_create",
    summary="Add an MCP server",
    description=(
        "Then ask it for its tools (`…/refresh`), look at them (`…/tools`), and say which agents "
        "may use (`…/confirm`)."
    ),
    status_code=201,
    response_model=McpServerRead,
    responses=problems(McpServerSlugTaken, TooManyMcpServers, McpCommandNotAllowed, AddressRefused),
)
async def create_server(
    access: Writer, session: Session, allowed: AllowedDep, new: McpServerCreate, response: Response
) -> McpServer:
    made = await service.create(session, access, allowed, new)
    response.headers["Location"] = f"/v1/mcp-servers/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="mcp_servers_bulk",
    summary="Delete or restore up to 500 MCP servers",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_servers(access: Writer, session: Session, request: McpServerBulk) -> BulkResult:
    return await service.bulk(session, access, request.items)


@router.get(
    "/{mcp_server_id}",
    operation_id="mcp_servers_get",
    summary="Show an MCP server",
    response_model=McpServerRead,
    responses=problems(McpServerNotFound),
)
async def get_server(access: Reader, session: Session, mcp_server_id: UUID) -> McpServer:
    return await service.get(session, access, mcp_server_id)


@router.patch(
    "/{mcp_server_id}",
    operation_id="mcp_servers_update",
    summary="Change an MCP server",
    description="At another address or command, its tools have to be confirmed again.",
    response_model=McpServerRead,
    responses=problems(McpServerNotFound, McpServerSlugTaken, McpCommandNotAllowed, AddressRefused),
)
async def update_server(
    access: Writer,
    session: Session,
    allowed: AllowedDep,
    mcp_server_id: UUID,
    change: McpServerUpdate,
) -> McpServer:
    return await service.update(session, access, allowed, mcp_server_id, change)


@router.delete(
    "/{mcp_server_id}",
    operation_id="mcp_servers_delete",
    summary="Delete an MCP server; it can be restored for 30 days",
    status_code=204,
    responses=problems(McpServerNotFound),
)
async def delete_server(access: Writer, session: Session, mcp_server_id: UUID) -> None:
    await service.delete(session, access, mcp_server_id)


@router.post(
    "/{mcp_server_id}/restore",
    operation_id="mcp_servers_restore",
    summary="Bring a deleted MCP server back",
    response_model=McpServerRead,
    responses=problems(McpServerNotFound, McpServerSlugTaken, TooManyMcpServers, RestoreExpired),
)
async def restore_server(access: Writer, session: Session, mcp_server_id: UUID) -> McpServer:
    return await service.restore(session, access, mcp_server_id)


@router.get(
    "/{mcp_server_id}/tools",
    operation_id="mcp_servers_list_tools",
    summary="List what a server was last found to have, with what becomes of each",
    response_model=Page[McpToolRead],
    responses=problems(McpServerNotFound, CursorInvalid),
)
async def list_tools(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    mcp_server_id: UUID,
    query: Annotated[McpToolQuery, Query()],
) -> object:
    return await service.tools(session, access, mcp_server_id, query, kernel.cursors)


async def _asked(
    access: Writer, kernel: KernelDep, source: SourceDep, mcp_server_id: UUID
) -> Found:
    return await asking.ask(kernel.database, source, access, mcp_server_id)


@router.post(
    "/{mcp_server_id}/refresh",
    operation_id="mcp_servers_refresh",
    summary="Ask a server for its tools now",
    description="A server that cannot be asked is shown as `failing`, with the reason.",
    response_model=McpServerRead,
    dependencies=[off_rails("it asks the server, and can be asked again")],
    responses=problems(McpServerNotFound),
)
async def refresh_server(
    access: Writer,
    found: Annotated[Found, Depends(_asked)],
    session: Session,
    mcp_server_id: UUID,
) -> McpServer:
    return await asking.keep(session, access, mcp_server_id, found)


@router.post(
    "/{mcp_server_id}/confirm",
    operation_id="mcp_servers_confirm",
    summary="Let agents use tools of a server as they are now",
    description=(
        "What the server tells of a tool afterwards makes it need this again: descriptions are "
        "read by models, and a changed one may hide an instruction."
    ),
    response_model=McpServerRead,
    responses=problems(McpServerNotFound, McpToolChanged),
)
async def confirm_tools(
    access: Writer, session: Session, mcp_server_id: UUID, wanted: McpConfirm
) -> McpServer:
    return await service.confirm(session, access, mcp_server_id, wanted)
