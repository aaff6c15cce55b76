"""One run under way: all that its steps share."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol
from uuid import UUID

from app.automation.engine.breaking import Guard
from app.automation.engine.graph import Graph
from app.automation.engine.journal import Journal
from app.automation.engine.parking import Parking
from app.automation.engine.plans import Plan
from app.automation.engine.steps import Place
from app.automation.engine.telling import Telling, message_of
from app.automation.language.flow import Flow, Scope
from app.automation.nodes.node_type import Awaited, Given, StepContext, WaitingNode
from app.automation.nodes.registry import NodeTypes
from app.core.auth import Access

# Steps of one run that are under way at the same time.
MOST_AT_ONCE: Final = 64
MOST_LOG_LINES: Final = 200
MOST_LOG_CHARACTERS: Final = 2000


Begin = Callable[[], Awaitable[Awaited | Given]]


class Waiting(Protocol):
    """Where steps wait."""

    async def waited(
        self, place: Place, node_id: str, begin: Begin
    ) -> Given | Mapping[str, Any] | None:
        """What has come; None where its time was over first.

        `begin` says what to wait for, the first time that the run comes to this place; where it
        gives what the step gives, there is nothing to wait for.
        """
        ...

    def status(self, place: Place) -> str | None:
        """How a wait stands (open, brought, expired, closed); None where none was begun."""
        ...

    async def stop(self, place: Place) -> bool:
        """End a wait before its time; False where its time was over first."""
        ...

    async def abandon(self, *prefixes: str, nodes: Collection[str] | None = None) -> None:
        """Nobody waits any more at paths that begin so: cancel the runs that were waited for.

        With `nodes`, of these alone. What undoes things waits on.
        """
        ...


class Sharing(Protocol):
    """What steps of all runs of a workspace share: what they gave, and who fails too often."""

    async def cached(self, key: str) -> dict[str, Any] | None: ...
    async def cache(self, key: str, given: dict[str, Any], seconds: float) -> None: ...
    async def closed_for(self, guard: Guard) -> float | None:
        """Seconds for which nobody may try; None where one may."""
        ...

    async def tried(self, guard: Guard, *, failed: bool | None) -> None: ...


@dataclass(slots=True)
class Course:
    """What the walker, the carrier and the containers know of their run.

    `gate` is open while steps may begin. `text` streams what a model says, under a message's id.
    """

    run_id: UUID
    workflow: str
    access: Access
    plan: Plan
    types: NodeTypes
    journal: Journal
    telling: Telling
    parking: Parking
    waiting: Waiting
    sharing: Sharing
    text: Callable[[UUID, str], None]
    depth: int = 0
    workflow_id: UUID | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    @property
    def flow(self) -> Flow:
        return self.plan.flow

    def graph(self, scope: Scope) -> Graph:
        return self.plan.graph(scope)

    def context(self, path: str, attempt: int, logs: list[str]) -> StepContext:
        """What a step is told; what it logs is added to `logs`."""

        def log(line: str) -> None:
            if len(logs) < MOST_LOG_LINES:
                logs.append(line[:MOST_LOG_CHARACTERS])

        message = message_of(self.run_id, path, attempt)
        return StepContext(
            self.access,
            self.run_id,
            self.workflow,
            path,
            attempt,
            f"{self.run_id}:{path}",
            log,
            lambda text: self.text(message, text),
            self.left_usd,
            self.depth,
            self.run_cap,
            self.workflow_id,
        )

    @property
    def left_usd(self) -> Decimal | None:
        """What the run may still cost."""
        cap = self.flow.settings.budget_usd
        if cap is None:
            return None
        return max(cap - sum(self.journal.spent_usd.values(), Decimal(0)), Decimal(0))

    @property
    def run_cap(self) -> Decimal | None:
        """What the run's own calls of models may come to: without what the runs cost it began."""
        cap = self.flow.settings.budget_usd
        if cap is None:
            return None
        began = (
            spent
            for node_type, spent in self.journal.spent_usd.items()
            if isinstance(self.types.find(node_type), WaitingNode)
        )
        return max(cap - sum(began, Decimal(0)), Decimal(0))

    async def pass_gate(self) -> None:
        """Wait while a person holds the run."""
        if not self.gate.is_set():
            with self.parking.waiting("user"):
                await self.gate.wait()
