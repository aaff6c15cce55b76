"""Which tools a caller is served: agents, what the workspace knows, and its tools."""

from collections.abc import Sequence
from typing import Final

from app.agents.mcp_endpoint.agent_tools import PREFIX, AgentTool
from app.agents.mcp_endpoint.ports import AgentRuns
from app.agents.tools.registry import ToolRegistry
from app.agents.tools.tool import Listed, Tool, ToolTraits, Wanted
from app.core.auth import Access, Permission
from app.core.errors import AppError

MOST_TOOLS: Final = 2_000


class Catalogue:
    """A tool that needs a person's approval is not served: there is none to ask."""

    def __init__(self, own: Sequence[Tool], registry: ToolRegistry, agents: AgentRuns) -> None:
        self._own = {tool.name: tool for tool in own}
        self._registry = registry
        self._agents = agents

    async def listed(self, access: Access) -> list[Tool | Listed]:
        """By name."""
        found: dict[str, Tool | Listed] = {}
        if _may(access, Permission.AGENTS_RUN):
            for agent in await self._agents.served(access):
                tool = AgentTool(self._agents, agent)
                found[tool.name] = tool
        for own in self._own.values():
            if fits(access, own.traits):
                found[own.name] = own
        for listed in await self._listed(access):
            found.setdefault(listed.name, listed)
        return [found[name] for name in sorted(found)][:MOST_TOOLS]

    async def find(self, access: Access, name: str) -> Tool | None:
        """One that the caller may use; None for any other."""
        if name in self._own:
            tool = self._own[name]
            return tool if fits(access, tool.traits) else None
        if name.startswith(PREFIX) and _may(access, Permission.AGENTS_RUN):
            agent = await self._agents.find(access, name.removeprefix(PREFIX))
            if agent is not None:
                return AgentTool(self._agents, agent)
        for listed in await self._listed(access):
            if listed.name == name:
                return await self._opened(access, listed)
        return None

    async def _listed(self, access: Access) -> list[Listed]:
        if not _may(access, Permission.TOOLS_READ, Permission.AGENTS_RUN):
            return []
        return [
            each
            for each in await self._registry.listed(access)
            if each.ready and fits(access, each.traits)
        ]

    async def _opened(self, access: Access, listed: Listed) -> Tool | None:
        try:
            opened = await self._registry.open(access, Wanted(listed.reference))
        except AppError:
            return None
        for tool in opened:
            # What it asks for is looked at again: it may be stricter than what was listed.
            if tool.name == listed.name and fits(access, tool.traits):
                return tool
        return None


def fits(access: Access, traits: ToolTraits) -> bool:
    return traits.approval == "never" and traits.scopes <= access.permissions


def _may(access: Access, *permissions: Permission) -> bool:
    return access.permissions.issuperset(permissions)
