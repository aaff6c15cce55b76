"""What a workspace does with its MCP servers."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from app.agents.mcp_servers import crud
from app.agents.mcp_servers.errors import (
    McpServerNotFound,
    McpToolChanged,
    TooManyMcpServers,
)
from app.agents.mcp_servers.models import McpServer, McpTool
from app.agents.mcp_servers.pinning import state_of, traits_of
from app.agents.mcp_servers.schemas import (
    McpConfirm,
    McpServerBulkItem,
    McpServerCreate,
    McpServerQuery,
    McpServerUpdate,
    McpToolQuery,
    Transport,
)
from app.agents.mcp_servers.schemas_read import McpToolRead
from app.agents.mcp_servers.starting import expect_allowed
from app.core import restorable
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.outbound import Outbound
from app.core.paging import Cursors, Slice
from app.core.versions import match

MOST_SERVERS: Final = 100


class Allowed:
    """What the operator lets servers be: addresses, and commands."""

    def __init__(self, outbound: Outbound, commands: Sequence[str]) -> None:
        self.outbound = outbound
        self.commands = tuple(commands)

    def expect(self, transport: Transport) -> None:
        """Raises AddressRefused and McpCommandNotAllowed."""
        if transport.type == "stdio":
            expect_allowed(self.commands, transport.command, transport.args)
        else:
            self.outbound.check_url(transport.url)


async def create(
    session: AsyncSession, access: Access, allowed: Allowed, new: McpServerCreate
) -> McpServer:
    """Raises TooManyMcpServers, McpServerSlugTaken and what `Allowed.expect` raises."""
    allowed.expect(new.transport)
    await _expect_room(session, access)
    server = McpServer(
        id=new_id(),
        workspace_id=access.workspace_id,
        status="new",
        **_columns(new.model_dump(mode="json")),
    )
    await crud.save(session, server)
    return server


def _columns(given: dict[str, Any]) -> dict[str, Any]:
    """As they are kept: of an override only what it says."""
    if "overrides" in given:
        given["overrides"] = {
            tool: {name: value for name, value in said.items() if value is not None}
            for tool, said in given["overrides"].items()
        }
    return given


async def get(
    session: AsyncSession, access: Access, server_id: UUID, *, for_update: bool = False
) -> McpServer:
    """Raises McpServerNotFound."""
    found = await crud.get(session, access.workspace_id, server_id, for_update=for_update)
    if found is None:
        raise McpServerNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: McpServerQuery, cursors: Cursors
) -> Slice[McpServer]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession,
    access: Access,
    allowed: Allowed,
    server_id: UUID,
    change: McpServerUpdate,
) -> McpServer:
    """Raises McpServerSlugTaken, and what `get` and `Allowed.expect` raise.

    At another address nothing is confirmed any more: it is another server.
    """
    server = await get(session, access, server_id, for_update=True)
    await match(session, server)
    given = _columns(change.given())
    if change.transport is not None:
        allowed.expect(change.transport)
        if given["transport"] != server.transport:
            await _forget(session, server)
    for name, value in given.items():
        setattr(server, name, value)
    await crud.save(session, server)
    await session.refresh(server)
    return server


async def _forget(session: AsyncSession, server: McpServer) -> None:
    server.status, server.last_error = "new", None
    for tool in await crud.tools(session, server.workspace_id, server.id, for_update=True):
        tool.confirmed_digest = tool.confirmed_at = tool.confirmed_by_id = None


async def delete(session: AsyncSession, access: Access, server_id: UUID) -> None:
    server = await get(session, access, server_id, for_update=True)
    await match(session, server)
    server.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, server_id: UUID) -> McpServer:
    """Raises McpServerNotFound, RestoreExpired, TooManyMcpServers and McpServerSlugTaken."""
    server = await restorable.find(
        session, McpServer, access.workspace_id, server_id, for_update=True
    )
    if server is None:
        raise McpServerNotFound
    restorable.expect_restorable(server)
    if server.deleted_at is not None:
        await _expect_room(session, access)
        server.deleted_at = None
        await crud.save(session, server)
        await session.refresh(server)
    return server


async def bulk(session: AsyncSession, access: Access, items: list[McpServerBulkItem]) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: McpServerBulkItem) -> UUID:
        done = delete if item.action == "delete" else restore
        await done(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def tools(
    session: AsyncSession, access: Access, server_id: UUID, query: McpToolQuery, cursors: Cursors
) -> Slice[McpToolRead]:
    """By name; raises McpServerNotFound."""
    server = await get(session, access, server_id)
    found = await crud.tool_page(session, access.workspace_id, server_id, query, cursors)
    return found.map(lambda tool: shown(server, tool))


def shown(server: McpServer, tool: McpTool) -> McpToolRead:
    traits = traits_of(server, tool)
    return McpToolRead(
        name=tool.name,
        reference=f"mcp:{server.slug}/{tool.name}",
        title=tool.title,
        description=tool.description,
        parameters=tool.parameters,
        annotations=tool.annotations,
        state=state_of(server, tool),
        effects=traits.effects,
        approval=traits.approval,
        idempotent=traits.idempotent,
        digest=tool.digest,
        confirmed_at=tool.confirmed_at,
        confirmed_by_id=tool.confirmed_by_id,
    )


async def confirm(
    session: AsyncSession, access: Access, server_id: UUID, wanted: McpConfirm
) -> McpServer:
    """Agree to tools as they were last told of; raises McpServerNotFound and McpToolChanged."""
    server = await get(session, access, server_id, for_update=True)
    await match(session, server)
    known = {
        tool.name: tool
        for tool in await crud.tools(session, access.workspace_id, server_id, for_update=True)
        if not tool.gone
    }
    seen = wanted.tools
    if seen is None:
        seen = {tool.name: tool.digest for tool in known.values()}
    for name, digest in seen.items():
        tool = known.get(name)
        if tool is None or tool.digest != digest:
            raise McpToolChanged(f"`{name}` is not as you saw it: look at it again.")
        if tool.confirmed_digest != digest:
            tool.confirmed_digest, tool.confirmed_at = digest, now()
            tool.confirmed_by_id = access.user_id
            said = {"tool": name, "digest": digest}
            note(session, Note("mcp_tool.confirmed", "mcp_server", server.id, detail=said))
    await session.flush()
    return server


async def _expect_room(session: AsyncSession, access: Access) -> None:
    living = await restorable.count_living(session, McpServer, access.workspace_id)
    if living >= MOST_SERVERS:
        raise TooManyMcpServers(f"A workspace has at most {MOST_SERVERS}; delete some.")
