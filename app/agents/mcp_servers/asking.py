"""A server asked for its tools because a person wants to see them."""

from uuid import UUID

from app.agents.mcp_servers import service
from app.agents.mcp_servers.models import McpServer
from app.agents.mcp_servers.noting import Found, note_found
from app.agents.mcp_servers.source import McpSource
from app.core.auth import Access
from app.core.db import AsyncSession, Database


async def ask(database: Database, source: McpSource, access: Access, server_id: UUID) -> Found:
    """No session is held meanwhile; raises McpServerNotFound."""
    async with database.unit(access.scope) as session:
        server = await service.get(session, access, server_id)
    return await source.found(access, server)


async def keep(session: AsyncSession, access: Access, server_id: UUID, found: Found) -> McpServer:
    """Write it down; raises McpServerNotFound."""
    server = await service.get(session, access, server_id, for_update=True)
    await note_found(session, server, found)
    await session.refresh(server)
    return server
