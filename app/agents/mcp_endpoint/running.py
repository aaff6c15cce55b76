"""Agents and their runs, as the endpoint needs them, by the launcher."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID

from app.agents.definitions import service as definitions
from app.agents.definitions.errors import AgentNotFound
from app.agents.definitions.models import Agent
from app.agents.definitions.schemas import AgentQuery
from app.agents.mcp_endpoint.ports import Ended, ServedAgent
from app.agents.runtime.launching import Launcher, RunWanted
from app.agents.runtime.tree import STARTED_BY
from app.core.auth import Access
from app.core.db import AsyncSession, Database
from app.core.paging import Cursors
from app.identity.versioned.keeping import PRODUCTION
from app.runs.runs import service as runs
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run

MOST_PAGES: Final = 10
TOLD: Final = frozenset({"step.started", "tool.call"})


class LaunchedAgents:
    """Those that have a version labelled `production`, which is what runs."""

    def __init__(self, database: Database, cursors: Cursors, launcher: Launcher) -> None:
        self._database = database
        self._cursors = cursors
        self._launcher = launcher

    async def served(self, access: Access) -> Sequence[ServedAgent]:
        async with self._database.unit(access.scope) as session:
            return [_served(agent) for agent in await self._all(session, access)]

    async def find(self, access: Access, slug: str) -> ServedAgent | None:
        async with self._database.unit(access.scope) as session:
            try:
                agent = await definitions.find(session, access, slug)
            except AgentNotFound:
                return None
        if agent.slug != slug or PRODUCTION not in agent.labels:
            return None
        return _served(agent)

    async def start(
        self, access: Access, slug: str, asked: str, variables: Mapping[str, Any]
    ) -> UUID:
        wanted = RunWanted(
            slug,
            asked,
            dict(variables),
            label=PRODUCTION,
            metadata={STARTED_BY: "mcp"},
        )
        return (await self._launcher.start(access, wanted)).id

    async def finished(self, access: Access, run_id: UUID, tell: Callable[[str], None]) -> Ended:
        async with self._database.unit(access.scope) as session:
            run = await runs.get(session, access, run_id)
        async with aclosing(self._launcher.runs.reader.events(run, 0)) as batches:
            async for batch in batches:
                for event in batch:
                    if event.type in TOLD:
                        tell(str(event.body.get("name") or event.type)[:200])
                if batch[-1].terminal or batch[-1].type == "run.paused":
                    break
        return _ended(await self._launcher.finished(access, run_id))

    async def cancel(self, access: Access, run_id: UUID) -> None:
        async with self._database.unit(access.scope) as session:
            try:
                await runs.request_cancel(session, access, run_id)
            except RunNotFound:
                return
            self._launcher.runs.canceller(session)(run_id)

    async def _all(self, session: AsyncSession, access: Access) -> list[Agent]:
        found: list[Agent] = []
        query = AgentQuery(limit=200)
        for _ in range(MOST_PAGES):
            page = await definitions.page(session, access, query, self._cursors)
            found += [each for each in page.data if PRODUCTION in each.labels]
            if page.next_cursor is None:
                break
            query = AgentQuery(limit=200, cursor=page.next_cursor)
        return found


def _served(agent: Agent) -> ServedAgent:
    return ServedAgent(agent.slug, agent.name, agent.description)


def _ended(run: Run) -> Ended:
    result: dict[str, Any] = run.result or {}
    error: dict[str, Any] = run.error or {}
    return Ended(
        run.id,
        run.status,
        str(result.get("text", "")),
        result.get("output"),
        str(error.get("detail") or error.get("title") or "") or None,
    )
