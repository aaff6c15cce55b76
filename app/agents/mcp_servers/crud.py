"""MCP servers and their tools in Postgres."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.mcp_servers.errors import McpServerSlugTaken
from app.agents.mcp_servers.models import McpServer, McpTool
from app.agents.mcp_servers.schemas import McpServerQuery, McpToolQuery
from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page


async def get(
    session: AsyncSession, workspace_id: UUID, server_id: UUID, *, for_update: bool = False
) -> McpServer | None:
    """A living one."""
    statement = restorable.living(McpServer, workspace_id).where(McpServer.id == server_id)
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def named(session: AsyncSession, workspace_id: UUID, slug: str) -> McpServer | None:
    """A living one."""
    statement = restorable.living(McpServer, workspace_id).where(McpServer.slug == slug)
    return (await session.scalars(statement)).one_or_none()


async def living(session: AsyncSession, workspace_id: UUID) -> Sequence[McpServer]:
    return await restorable.all_living(session, McpServer, workspace_id)


async def page(
    session: AsyncSession, workspace_id: UUID, query: McpServerQuery, cursors: Cursors
) -> Slice[McpServer]:
    wanted = [McpServer.status == query.status] if query.status else []
    return await restorable.page(session, McpServer, workspace_id, query, cursors, *wanted)


async def save(session: AsyncSession, server: McpServer) -> None:
    """Raises McpServerSlugTaken."""
    async with _a_slug_of_its_own(session, server.slug):
        session.add(server)


@asynccontextmanager
async def _a_slug_of_its_own(session: AsyncSession, slug: str) -> AsyncIterator[None]:
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        raise McpServerSlugTaken(f"The slug {slug!r} is in use; choose another.") from error


async def tools(
    session: AsyncSession, workspace_id: UUID, server_id: UUID, *, for_update: bool = False
) -> Sequence[McpTool]:
    """All that a server ever told of, by name."""
    statement = (
        select(McpTool)
        .where(McpTool.workspace_id == workspace_id, McpTool.server_id == server_id)
        .order_by(McpTool.name)
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).all()


async def tools_of_all(session: AsyncSession, workspace_id: UUID) -> Sequence[McpTool]:
    statement = select(McpTool).where(McpTool.workspace_id == workspace_id).order_by(McpTool.name)
    return (await session.scalars(statement)).all()


async def tool_page(
    session: AsyncSession,
    workspace_id: UUID,
    server_id: UUID,
    query: McpToolQuery,
    cursors: Cursors,
) -> Slice[McpTool]:
    """By name."""
    return await fetch_page(
        session,
        select(McpTool).where(McpTool.workspace_id == workspace_id, McpTool.server_id == server_id),
        Keyset(McpTool.name, McpTool.id, descending=False),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(server_id),
    )


async def add_tools(session: AsyncSession, added: Sequence[McpTool]) -> None:
    session.add_all(added)
    await session.flush()
