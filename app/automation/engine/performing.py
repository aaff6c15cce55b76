"""A run that is under way: walked in its time, and what it did undone where it fails."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.agents.definitions.json_schemas import mistakes
from app.automation.engine.carrying import Carrier
from app.automation.engine.compensating import Compensating
from app.automation.engine.course import Course
from app.automation.engine.errors import (
    WorkflowOutputInvalid,
    WorkflowStopped,
    WorkflowTimedOut,
)
from app.automation.engine.models import WorkflowRun
from app.automation.engine.waits import Waits
from app.automation.engine.walking import Names, Walk
from app.automation.language.flow import Flow
from app.automation.language.walks import nodes_within
from app.core.clock import now
from app.core.tasks import stop_tasks
from app.runs.events.errors import RunLost
from app.runs.runs.context import RunContext


@dataclass(slots=True)
class UnderWay:
    """A run under way in this process; `stopped` is set once somebody has it undone and ended."""

    row: WorkflowRun
    course: Course
    waits: Waits
    ctx: RunContext
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    not_undone: list[dict[str, Any]] = field(default_factory=list)


async def performed(under: UnderWay) -> Any:
    """What the run gives. Where it fails, for whatever cause, what it did is undone first.

    The last goes before all; what it still waited for is given up before that.
    """
    course = under.course
    try:
        return await _in_time(under)
    except RunLost:
        raise
    except Exception:
        nodes = {node.id for node in nodes_within(course.flow)}
        await under.waits.abandon("", nodes=nodes)
        under.not_undone = await Compensating(course, Carrier(course)).undo(course.flow, "")
        raise


async def _in_time(under: UnderWay) -> Any:
    deadline = under.row.deadline_at
    if under.stopped.is_set():
        raise WorkflowStopped
    if deadline is not None:
        if deadline <= now():
            raise WorkflowTimedOut(_too_long(under.course.flow))
        await under.waits.keep(("~deadline", 0), deadline)
    walking = asyncio.ensure_future(_walked(under))
    stopping = asyncio.create_task(under.stopped.wait())
    try:
        await asyncio.wait(
            {walking, stopping}, timeout=_left(deadline), return_when=asyncio.FIRST_COMPLETED
        )
        if walking.done():
            return walking.result()
        if stopping.done():
            raise WorkflowStopped
        raise WorkflowTimedOut(_too_long(under.course.flow))
    finally:
        await stop_tasks([walking, stopping])


async def _walked(under: UnderWay) -> Any:
    course, row = under.course, under.row
    names: Names = {
        "inputs": row.inputs,
        "vars": course.plan.vars,
        "run": {
            "id": str(row.id),
            "workflow": row.workflow_slug,
            "trigger": row.trigger,
            "started_at": row.created_at.isoformat(),
        },
        "nodes": {},
    }
    graph = course.graph(course.flow)
    output = await Walk(graph, "", names, course.types, Carrier(course), course.telling).walk()
    _expect_fit(course.flow, output)
    return output


def follow(under: UnderWay, row: WorkflowRun) -> None:
    """Do what somebody wants of the run: hold it, have it go on, or end it."""
    if row.stopped_at is not None:
        under.stopped.set()
    if row.paused_at is None or row.stopped_at is not None:
        under.course.gate.set()
    else:
        under.course.gate.clear()


def _expect_fit(flow: Flow, output: Any) -> None:
    """Raises WorkflowOutputInvalid."""
    if flow.output_schema is None:
        return
    wrong = mistakes(flow.output_schema, output, "/output")
    if wrong:
        raise WorkflowOutputInvalid(wrong)


def _too_long(flow: Flow) -> str:
    return f"It may take {flow.settings.timeout}."


def _left(deadline: datetime | None) -> float | None:
    return None if deadline is None else max((deadline - now()).total_seconds(), 0.0)
