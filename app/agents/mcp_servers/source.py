"""The tools of MCP servers: `mcp:<slug>/<tool>` and `mcp:<slug>/*`."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.agents.credentials.finding import Credentials
from app.agents.mcp_servers import crud
from app.agents.mcp_servers.linking import Link, Listing, ServerDown, ServerRefused
from app.agents.mcp_servers.models import McpServer, McpTool
from app.agents.mcp_servers.noting import Found, is_as_found, note_found
from app.agents.mcp_servers.pinning import ALL, called_by, state_of, traits_of
from app.agents.mcp_servers.plans import Plan, plan_of
from app.agents.mcp_servers.pool import Links
from app.agents.mcp_servers.results import outcome
from app.agents.tools.errors import ToolUnfit, ToolUnknown
from app.agents.tools.tool import (
    Listed,
    Outcome,
    Tool,
    ToolContext,
    ToolFault,
    ToolTraits,
    Wanted,
)
from app.core.auth import Access
from app.core.db import Database
from app.core.errors import AppError

MOST_TOLD: Final = 50
# A process that was ours may have ended meanwhile; an address is found to be dead by a call.
STDIO_FRESH_SECONDS: Final = 5.0
# How old an answer may be that settles whether a server has changed.
JUST_NOW_SECONDS: Final = 1.0
AWAY_SECONDS: Final = 5.0
MOST_AWAY: Final = 1000
WAYS: Final = {
    "new": "nobody has confirmed it yet",
    "changed": "its server tells of it otherwise than when it was confirmed",
    "gone": "its server does not have it any more",
    "excluded": "the server's filter leaves it out",
}


class McpSource:
    """The source `mcp` of a process."""

    kind = "mcp"

    def __init__(
        self, database: Database, credentials: Credentials, links: Links, commands: Sequence[str]
    ) -> None:
        self.links = links
        self._database = database
        self._credentials = credentials
        self._commands = tuple(commands)
        # By plans' keys until when a server that could not be asked is not asked again.
        self._away: dict[str, float] = {}

    async def open(self, access: Access, wanted: Wanted) -> list[Tool]:
        """Raises ToolUnknown and ToolUnfit; a server that is away is a fault of each call.

        Of `*`, tools that nobody confirmed are left out.
        """
        slug, _, name = wanted.rest.partition("/")
        if wanted.config:
            raise ToolUnfit(f"`{wanted.reference}` takes no settings.")
        server, known = await self._known(access, slug, wanted)
        if await self._look_again(access, server, known):
            _, known = await self._known(access, slug, wanted)
        chosen = _chosen(server, known, name, wanted)
        return [McpServerTool(self, server, tool) for tool in chosen]

    async def listed(self, access: Access) -> list[Listed]:
        async with self._database.unit(access.scope) as session:
            servers = await crud.living(session, access.workspace_id)
            tools = await crud.tools_of_all(session, access.workspace_id)
        by_id = {server.id: server for server in servers}
        return [
            _listed(by_id[tool.server_id], tool)
            for tool in tools
            if tool.server_id in by_id and not tool.gone
        ]

    async def found(self, access: Access, server: McpServer) -> Found:
        """Ask a server for its tools now."""
        try:
            plan = await plan_of(self._credentials, self._commands, access, server)
            return Found(await self.links.using(plan, lambda link: link.listing(fresh=0)))
        except (ServerDown, ServerRefused, AppError) as error:
            said = error.detail if isinstance(error, AppError) else str(error)
            return Found(None, said[:500] or "it cannot be asked")
        except TimeoutError:
            return Found(None, "it did not answer in time")

    async def note(self, access: Access, server: McpServer, found: Found) -> None:
        async with self._database.unit(access.scope) as session:
            current = await crud.get(session, access.workspace_id, server.id, for_update=True)
            if current is not None and current.transport == server.transport:
                await note_found(session, current, found, asked=False)

    async def plan(self, access: Access, server: McpServer) -> Plan:
        """What `plan_of` raises."""
        return await plan_of(self._credentials, self._commands, access, server)

    async def _known(
        self, access: Access, slug: str, wanted: Wanted
    ) -> tuple[McpServer, Sequence[McpTool]]:
        async with self._database.unit(access.scope) as session:
            server = await crud.named(session, access.workspace_id, slug)
            if server is None:
                raise ToolUnknown(f"`{wanted.reference}`: there is no MCP server `{slug}`.")
            return server, await crud.tools(session, access.workspace_id, server.id)

    async def _look_again(
        self, access: Access, server: McpServer, known: Sequence[McpTool]
    ) -> bool:
        """Notice what the server has changed, where it can be asked; false where there is nothing.

        Raises ToolUnfit.
        """
        try:
            plan = await self.plan(access, server)
        except AppError as error:
            raise ToolUnfit(f"The MCP server `{server.slug}`: {error.detail}") from None
        if self._away.get(plan.key, 0.0) > time.monotonic():
            return False
        here = {tool.name: tool.digest for tool in known if not tool.gone}
        try:
            seen = await self.links.using(plan, lambda link: link.listing())
            if _digests(seen) != here:
                # What is kept of it may be older than what another process was told.
                seen = await self.links.using(plan, lambda link: link.listing(JUST_NOW_SECONDS))
            found = Found(seen)
        except (ServerDown, ServerRefused) as error:
            found = Found(None, str(error))
        except TimeoutError:
            found = Found(None, "it did not answer in time")
        if found.listing is None:
            self._note_away(plan)
        elif _digests(found.listing) == here and is_as_found(server, found):
            return False
        await self.note(access, server, found)
        return True

    def _note_away(self, plan: Plan) -> None:
        """Not to wait for it again for each tool of a definition."""
        if len(self._away) >= MOST_AWAY:
            self._away.clear()
        self._away[plan.key] = time.monotonic() + AWAY_SECONDS


def _digests(listing: Listing) -> dict[str, str]:
    return {told.name: told.digest for told in listing.tools.values()}


def _chosen(
    server: McpServer, known: Sequence[McpTool], name: str, wanted: Wanted
) -> list[McpTool]:
    states = {tool.name: state_of(server, tool) for tool in known}
    if name != ALL:
        state = states.get(name)
        if state is None:
            raise ToolUnknown(f"`{wanted.reference}`: the server `{server.slug}` has no such tool.")
        if state != "confirmed":
            raise ToolUnfit(f"`{wanted.reference}`: {WAYS[state]}.")
        return [tool for tool in known if tool.name == name]
    if changed := [name for name, state in states.items() if state == "changed"]:
        named = ", ".join(f"`mcp:{server.slug}/{each}`" for each in changed[:10])
        raise ToolUnfit(f"{named}: {WAYS['changed']}; look at it and confirm it again.")
    chosen = [tool for tool in known if states[tool.name] == "confirmed"]
    if not chosen:
        raise ToolUnfit(f"`{wanted.reference}`: no tool of that server is confirmed.")
    return chosen


def _listed(server: McpServer, tool: McpTool) -> Listed:
    state = state_of(server, tool)
    return Listed(
        f"mcp:{server.slug}/{tool.name}",
        called_by(server.slug, tool.name),
        described(server, tool),
        tool.parameters,
        traits_of(server, tool),
        ready=state == "confirmed",
        missing=None if state == "confirmed" else f"{WAYS[state].capitalize()}.",
    )


def described(server: McpServer, tool: McpTool) -> str:
    """The server's words as a quotation: what they ask for is no instruction of ours."""
    return f"Tool of the MCP server `{server.slug}`, which describes it so: {tool.description}"


@dataclass(frozen=True, slots=True, eq=False)
class McpServerTool:
    """A confirmed tool, as it was confirmed."""

    source: McpSource
    server: McpServer
    tool: McpTool

    @property
    def name(self) -> str:
        return called_by(self.server.slug, self.tool.name)

    @property
    def description(self) -> str:
        return described(self.server, self.tool)

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.tool.parameters

    @property
    def traits(self) -> ToolTraits:
        return traits_of(self.server, self.tool)

    async def call(self, ctx: ToolContext, arguments: Mapping[str, Any]) -> Outcome:
        """Raises ToolFault."""
        try:
            plan = await self.source.plan(ctx.access, self.server)
        except AppError as error:
            raise ToolFault("credential_unusable", error.detail) from None
        told = _Telling(ctx, plan, self.name)
        traits = self.traits

        async def act(link: Link) -> Outcome:
            await self._expect_unchanged(ctx, link)
            result = await link.call(self.tool.name, arguments, traits.seconds, told)
            return outcome(plan, result, traits.characters)

        try:
            async with asyncio.timeout(traits.seconds):
                return await self.source.links.using(plan, act)
        except ServerDown as error:
            said = str(error)
            await self.source.note(ctx.access, self.server, Found(None, said))
            tail = " The call may have been carried out all the same." if error.begun else ""
            raise ToolFault(
                "server_unavailable", f"The MCP server `{self.server.slug}`: {said}.{tail}"
            ) from None
        except ServerRefused as error:
            raise ToolFault("server_error", str(error)) from None
        except TimeoutError:
            raise ToolFault(
                "timeout", f"`{self.name}` did not answer in {traits.seconds:g} seconds."
            ) from None

    async def _expect_unchanged(self, ctx: ToolContext, link: Link) -> None:
        listing = await (link.listing() if link.plan.url else link.listing(STDIO_FRESH_SECONDS))
        if self._is_in(listing):
            return
        listing = await link.listing(JUST_NOW_SECONDS)
        if self._is_in(listing):
            return
        await self.source.note(ctx.access, self.server, Found(listing))
        way = "changed" if self.tool.name in listing.tools else "gone"
        raise ToolFault("tool_changed", f"`{self.name}`: {WAYS[way]}.")

    def _is_in(self, listing: Listing) -> bool:
        said = listing.tools.get(self.tool.name)
        return said is not None and said.digest == self.tool.confirmed_digest


class _Telling:
    """Passes a server's progress on, up to a bound."""

    def __init__(self, ctx: ToolContext, plan: Plan, name: str) -> None:
        self._ctx = ctx
        self._plan = plan
        self._name = name
        self._left = MOST_TOLD

    def __call__(self, done: float, total: float | None, message: str | None) -> None:
        if self._left == 0:
            return
        self._left -= 1
        said = self._plan.told(message or "", 300)
        self._ctx.tell(
            {"tool": self._name, "progress": done, "total": total, "message": said or None}
        )
