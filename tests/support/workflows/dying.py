"""The engine over a store of this test: what is kept survives a kill, and everything else is lost.

A kill is the end of every task at one of the places where the engine gives the loop a turn.
"""

import asyncio
import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from app.automation.engine.carrying import Carrier
from app.automation.engine.compensating import Compensating
from app.automation.engine.containers import CLOCK
from app.automation.engine.course import Begin, Course
from app.automation.engine.errors import WorkflowFailed
from app.automation.engine.journal import Journal
from app.automation.engine.parking import Parking
from app.automation.engine.plans import Plan
from app.automation.engine.steps import Place, Step
from app.automation.engine.walking import Walk
from app.automation.language.flow import Flow
from app.automation.nodes.node_type import Given, NodeType, StepFault, TaskNode
from app.automation.nodes.plain import PLAIN
from app.automation.nodes.registry import NodeTypes
from app.core.auth import Access
from app.core.clock import now
from app.core.schema import Input
from app.core.tasks import stop_tasks
from tests.support.workflows.graphs import place_of


class Killed(BaseException):
    """The process is gone."""


class WorkConfig(Input):
    value: Any = None
    fails: Annotated[int, Field(ge=0, description="Attempts that fail before one does not.")] = 0
    turns: Annotated[int, Field(ge=0, description="Of the loop that it takes.")] = 0
    code: str = "flaky"


class Work(TaskNode[WorkConfig]):
    """Notes each time that it is done, as the world outside would."""

    name = "work"
    title = "Work"
    config = WorkConfig
    example: ClassVar = {"id": "a", "type": "work", "with": {"value": 1}}

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []

    async def perform(self, ctx, config):
        self.done.append((ctx.key.partition(":")[2], ctx.attempt))
        for _ in range(config.turns):
            await asyncio.sleep(0)
        if ctx.attempt < config.fails:
            raise StepFault(config.code, f"boom {ctx.attempt}", retryable=True)
        return Given({"v": config.value})


class Once(Work):
    """Work that must not be done twice."""

    name = "once"
    idempotent = False


@dataclass
class Store:
    """What outlives a process."""

    steps: dict[Place, Step] = field(default_factory=dict)
    waits: dict[Place, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    writes: Counter[Place] = field(default_factory=Counter)
    events: list[tuple[str, str]] = field(default_factory=list)
    turns: int = 0


@dataclass
class Life:
    """One process's time with a run. `turns` until it is killed; None: never."""

    store: Store
    turns: int | None
    mail: Mapping[str, Any]

    async def turn(self) -> None:
        """A place where the process may die."""
        await asyncio.sleep(0)
        self.store.turns += 1
        if self.turns is not None:
            self.turns -= 1
            if self.turns <= 0:
                raise Killed

    async def keep(self, step: Step) -> Step:
        await self.turn()
        standing = self.store.steps.get(step.place)
        if standing is not None and standing.status != "started":
            return copy.deepcopy(standing)
        self.store.steps[step.place] = copy.deepcopy(step)
        if step.status != "started":
            self.store.writes[step.place] += 1
        await self.turn()
        return step

    async def waited(self, place: Place, node_id: str, begin: Begin) -> Any:
        """Mail for a path comes at once; without any, the time is over.

        The clock of a container rings after as many turns as its mail says, else never.
        """
        await self.turn()
        if place[0].endswith(CLOCK):
            return await self._rung(place)
        if place not in self.store.waits:
            awaited = await begin()
            if isinstance(awaited, Given):
                return awaited
            self.store.waits[place] = awaited.kind
        await self.turn()
        return self.mail.get(place_of(place[0]))

    async def _rung(self, place: Place) -> None:
        self.store.waits.setdefault(place, "open")
        turns = self.mail.get(place_of(place[0]))
        if turns is None:
            await asyncio.Event().wait()
        for _ in range(turns):
            await self.turn()
        self.store.waits[place] = "expired"

    def status(self, place: Place) -> str | None:
        return self.store.waits.get(place)

    async def stop(self, place: Place) -> bool:
        await self.turn()
        if self.store.waits.get(place) == "open":
            self.store.waits[place] = "brought"
        await self.turn()
        return self.store.waits.get(place) != "expired"

    async def abandon(self, *prefixes: str, nodes: Any = None) -> None:
        await self.turn()

    async def cached(self, key: str) -> Any:
        await self.turn()
        return self.store.shared.get(key)

    async def cache(self, key: str, given: dict[str, Any], seconds: float) -> None:
        await self.turn()
        self.store.shared[key] = given

    async def closed_for(self, guard: Any) -> float | None:
        return None

    async def tried(self, guard: Any, *, failed: bool | None) -> None:
        pass

    def started(self, node: Any, path: str, attempt: int) -> None:
        self.store.events.append(("started", path))

    def waiting(self, node: Any, path: str, attempt: int, awaited: Any) -> None:
        self.store.events.append(("waiting", path))

    def ended(self, node: Any, step: Step) -> None:
        self.store.events.append(("ended", step.path))

    def computed(self, node: Any, path: str, end: Any) -> None:
        pass

    def skipped(self, node: Any, path: str) -> None:
        pass


@dataclass
class World:
    """A definition with its store; each call of `live` is another process."""

    definition: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    mail: Mapping[str, Any] = field(default_factory=dict)
    store: Store = field(default_factory=Store)
    work: Work = field(default_factory=Work)
    once: Once = field(default_factory=Once)
    more: tuple[NodeType[Any], ...] = ()

    def __post_init__(self) -> None:
        self.flow = Flow.model_validate({"dsl": "flow/1", **self.definition})
        self.plan = Plan(self.flow)
        self.types = NodeTypes((*PLAIN, self.work, self.once, *self.more))

    async def live(self, turns: int | None = None) -> Any:
        """What the run gives, or `{"error": …}`; raises Killed where the process dies first."""
        life = Life(self.store, turns, self.mail)
        steps = [copy.deepcopy(each) for each in self.store.steps.values()]
        for step in steps:  # what waits between attempts is over by the next life
            if step.retry_at is not None:
                step.retry_at = now() - timedelta(seconds=1)
        course = Course(
            run_id=UUID(int=7),
            workflow="test",
            access=Access(UUID(int=1), UUID(int=2), frozenset(), "session", UUID(int=3)),
            plan=self.plan,
            types=self.types,
            journal=Journal(life, steps, 100_000),
            telling=life,
            parking=Parking(),
            waiting=life,
            sharing=life,
            text=lambda _message, _text: None,
        )
        course.gate.set()
        performing = asyncio.ensure_future(self._perform(course))
        try:
            return await performing
        finally:
            await stop_tasks([performing])

    async def _perform(self, course: Course) -> Any:
        names = {"inputs": self.inputs, "vars": self.plan.vars, "run": {"id": "r"}, "nodes": {}}
        carrier = Carrier(course)
        graph = course.graph(self.flow)
        try:
            return await Walk(graph, "", names, self.types, carrier, course.telling).walk()
        except WorkflowFailed as failed:
            not_undone = await Compensating(course, carrier).undo(self.flow, "")
            told = {"path": failed.path, "code": failed.evidence["code"]}
            return {"error": told, "not_undone": not_undone}

    async def live_through(self, kills: list[int]) -> Any:
        """What the run gives after processes that died after so many turns each."""
        for turns in kills:
            try:
                return await self.live(turns)
            except Killed:
                pass
        return await self.live()
