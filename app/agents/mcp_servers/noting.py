"""What was found when a server was asked for its tools, written down."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.agents.mcp_servers import crud
from app.agents.mcp_servers.linking import Listing
from app.agents.mcp_servers.models import McpServer, McpTool
from app.agents.mcp_servers.pinning import Told
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id


@dataclass(frozen=True, slots=True)
class Found:
    """A listing, or in a sentence why there is none."""

    listing: Listing | None
    failure: str | None = None


def is_as_found(server: McpServer, found: Found) -> bool:
    """Whether nothing new is to be said of the server itself."""
    known = (server.protocol_version, server.server_name, server.server_version)
    return _state(found) == (server.status, server.last_error) and _itself(found) in (None, known)


def _state(found: Found) -> tuple[str, str | None]:
    said = found.listing
    return ("failing", found.failure) if said is None else ("ready", said.left_out)


def _itself(found: Found) -> tuple[str | None, str | None, str | None] | None:
    said = found.listing
    return (said.protocol_version, said.server_name, said.server_version) if said else None


async def note_found(
    session: AsyncSession, server: McpServer, found: Found, *, asked: bool = True
) -> None:
    """`asked`: by a person, who sees when; else only what is another than before is written."""
    state, itself = _state(found), _itself(found)
    if asked or (server.status, server.last_error) != state:
        server.status, server.last_error = state
        server.checked_at = now()
    if itself is not None and not is_as_found(server, found):
        server.protocol_version, server.server_name, server.server_version = itself
    if found.listing is not None:
        await _note_tools(session, server.workspace_id, server.id, found.listing.tools)
    await session.flush()


async def _note_tools(
    session: AsyncSession, workspace_id: UUID, server_id: UUID, said: Mapping[str, Told]
) -> None:
    known = {
        tool.name: tool
        for tool in await crud.tools(session, workspace_id, server_id, for_update=True)
    }
    for tool in known.values():
        tool.gone = tool.name not in said
        if not tool.gone and tool.digest != said[tool.name].digest:
            _take(tool, said[tool.name])
    added = []
    for told in said.values():
        if told.name not in known:
            added.append(McpTool(id=new_id(), workspace_id=workspace_id, server_id=server_id))
            added[-1].name, added[-1].gone = told.name, False
            _take(added[-1], told)
    if added:
        await crud.add_tools(session, added)


def _take(tool: McpTool, told: Told) -> None:
    tool.title, tool.description = told.title, told.description
    tool.parameters, tool.annotations = dict(told.parameters), dict(told.annotations)
    tool.digest = told.digest
