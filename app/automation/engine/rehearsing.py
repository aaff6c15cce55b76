"""A dry run: the graph is walked as ever, and a node that would do something gives its mock."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.automation.engine.breaking import Guard
from app.automation.engine.carrying import Carrier
from app.automation.engine.course import Begin, Course
from app.automation.engine.errors import WorkflowFailed, WorkflowTimedOut
from app.automation.engine.faults import error_of
from app.automation.engine.journal import Journal
from app.automation.engine.parking import Parking
from app.automation.engine.plans import Plan
from app.automation.engine.steps import End, Place, Step
from app.automation.engine.walking import Names, Walk
from app.automation.language.flow import ERROR, OUT, Flow, Node
from app.automation.language.templates import copied
from app.automation.nodes.node_type import Awaited, Given, StepFault
from app.automation.nodes.registry import NodeTypes
from app.core.auth import Access
from app.core.clock import now
from app.core.errors import AppError
from app.core.ids import new_id

SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Told:
    """One node in a dry run. `status`: ok, error or skipped; `mocked` where it did nothing."""

    path: str
    node_id: str
    node_type: str
    status: str
    port: str | None = None
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None
    mocked: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a dry run gave. `status`: completed or failed."""

    status: str
    output: Any
    error: dict[str, Any] | None
    steps: list[Told]


async def rehearse(
    flow: Flow, inputs: Mapping[str, Any], types: NodeTypes, access: Access, workflow: str
) -> Rehearsed:
    """Walk a definition on its mocks; nothing is kept, asked or changed."""
    told = _Told()
    parking = Parking()
    course = Course(
        run_id=new_id(),
        workflow=workflow,
        access=access,
        plan=Plan(flow),
        types=types,
        journal=Journal(_Nowhere(), (), flow.settings.max_steps),
        telling=told,
        parking=parking,
        waiting=_AtOnce(),
        sharing=_Alone(),
        text=lambda _message, _text: None,
    )
    course.gate.set()
    run = {
        "id": str(course.run_id),
        "workflow": workflow,
        "trigger": "dry_run",
        "started_at": now().isoformat(),
    }
    names: Names = {"inputs": dict(inputs), "vars": course.plan.vars, "run": run, "nodes": {}}
    walk = Walk(course.graph(flow), "", names, types, Carrier(course, _mocked), told)
    try:
        async with asyncio.timeout(SECONDS):
            return Rehearsed("completed", await walk.walk(), None, told.steps)
    except TimeoutError:
        error: AppError = WorkflowTimedOut(f"A dry run may take {SECONDS:g} s.")
    except AppError as failed:
        error = failed
    evidence = error.evidence if isinstance(error, WorkflowFailed) else error.problem()
    path = error.path if isinstance(error, WorkflowFailed) else None
    return Rehearsed("failed", None, {**evidence, "path": path}, told.steps)


async def _mocked(
    course: Course, node: Node, place: Place, names: Names, settings: dict[str, Any] | None
) -> Step:
    """What the node's mock says; its settings are computed and checked as ever."""
    path, attempt = place
    step = Step(path, attempt, node.id, node.type, "ok", now())
    node_type = course.types.get(node.type, node.v)
    try:
        if settings is None:
            config = course.types.configured(node_type, node.with_, names)
            step.input = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    except StepFault as fault:
        step.status, step.port, step.error = ERROR, ERROR, error_of(fault)
        return step
    mock = node.mock
    if mock is not None and mock.error is not None:
        step.status, step.port = ERROR, ERROR
        step.error = error_of(StepFault("mocked", mock.error))
        return step
    step.output = copied(node_type.sample if mock is None else mock.output)
    step.port = (mock.port if mock is not None else None) or OUT
    return step


class _Nowhere:
    async def keep(self, step: Step) -> Step:
        return step


class _AtOnce:
    """Nothing is waited for."""

    async def waited(
        self, place: Place, node_id: str, begin: Begin
    ) -> Given | Mapping[str, Any] | None:
        del place, node_id, begin
        return None

    def status(self, place: Place) -> str | None:
        """No clock runs."""
        del place
        return "brought"

    async def stop(self, place: Place) -> bool:
        del place
        return True

    async def abandon(self, *prefixes: str, nodes: Collection[str] | None = None) -> None:
        del prefixes, nodes


class _Alone:
    """Nothing is shared with other runs."""

    async def cached(self, key: str) -> dict[str, Any] | None:
        del key
        return None

    async def cache(self, key: str, given: dict[str, Any], seconds: float) -> None:
        del key, given, seconds

    async def closed_for(self, guard: Guard) -> float | None:
        del guard
        return None

    async def tried(self, guard: Guard, *, failed: bool | None) -> None:
        del guard, failed


@dataclass(slots=True)
class _Told:
    steps: list[Told] = field(default_factory=list)

    def started(self, node: Node, path: str, attempt: int) -> None:
        del node, path, attempt

    def waiting(self, node: Node, path: str, attempt: int, awaited: Awaited) -> None:
        del node, path, attempt, awaited

    def ended(self, node: Node, step: Step) -> None:
        status = "ok" if step.error is None else "error"
        self.steps.append(
            Told(
                step.path,
                node.id,
                node.type,
                status,
                step.port,
                step.input,
                step.output,
                step.error,
                mocked=node.body is None and node.branches is None,
            )
        )

    def computed(self, node: Node, path: str, end: End) -> None:
        status = "ok" if end.error is None else "error"
        given = Told(path, node.id, node.type, status, end.port, None, end.output, end.error)
        self.steps.append(given)

    def skipped(self, node: Node, path: str) -> None:
        self.steps.append(Told(path, node.id, node.type, "skipped"))
