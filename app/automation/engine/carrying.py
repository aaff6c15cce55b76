"""Carries one node out: attempt after attempt, each kept, until it has ended."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from app.automation.engine.attempts import tried
from app.automation.engine.containers import Containers, beneath
from app.automation.engine.course import Course
from app.automation.engine.faults import error_of
from app.automation.engine.steps import End, Place, Step
from app.automation.engine.walking import Names
from app.automation.language.expressions import holds
from app.automation.language.flow import Compensation, Node, Retry, seconds_of
from app.automation.nodes.node_type import Awaited, ContainerNode, Given, StepFault
from app.core.clock import now

# A retry that is due within this time is waited for without keeping that it is.
BRIEF_SECONDS: Final = 2.0
RETRY: Final = "~retry"


class Trying(Protocol):
    """Who makes an attempt at a node that does something, or waits."""

    async def __call__(
        self,
        course: Course,
        node: Node,
        place: Place,
        names: Names,
        settings: dict[str, Any] | None,
    ) -> Step:
        """How it ended, not kept yet."""
        ...


class Carrier:
    """Of one run."""

    def __init__(self, course: Course, trying: Trying = tried) -> None:
        self._course = course
        self._trying = trying
        self._containers = Containers(course, self)

    def kept(self, node: Node, path: str) -> End | None:
        step = self._course.journal.final(path)
        if step is None:
            return None
        self._course.telling.ended(node, step)
        return end_of(step)

    async def carried_out(
        self, node: Node, path: str, names: Names, settings: dict[str, Any] | None = None
    ) -> End:
        attempt = 0
        while True:
            step = self._course.journal.at(path, attempt)
            if step is None or step.status == "started":
                step = await self._attempted(node, path, attempt, names, settings)
            self._course.telling.ended(node, step)
            if step.is_final:
                return end_of(step)
            await self._until_retry(node, step)
            attempt += 1

    async def _attempted(
        self, node: Node, path: str, attempt: int, names: Names, settings: dict[str, Any] | None
    ) -> Step:
        """One attempt, kept; raises TooManySteps before anything is done."""
        ready_at = now()
        await self._course.pass_gate()
        with self._course.journal.room((path, attempt)):
            return await self._made(node, (path, attempt), ready_at, names, settings)

    async def _made(
        self,
        node: Node,
        place: Place,
        ready_at: datetime,
        names: Names,
        settings: dict[str, Any] | None,
    ) -> Step:
        course = self._course
        node_type = course.types.get(node.type, node.v)
        if isinstance(node_type, ContainerNode):
            step = await self._containers.end_of(node, node_type, *place, names)
        else:
            step = await self._trying(course, node, place, names, settings)
        step.ready_at, step.ended_at = ready_at, now()
        if step.error is not None:
            self._plan_retry(node, step, names)
        elif node.compensate is not None:
            self._plan_undoing(node.compensate, step, names)
        with course.parking.working():
            kept = await course.journal.keep(step)
            if isinstance(node_type, ContainerNode) and kept.error is not None:
                await course.waiting.abandon(*beneath(kept.place))
            return kept

    def _plan_undoing(self, how: Compensation, step: Step, names: Names) -> None:
        """Keep what undoing the step takes, as it is known now."""
        own = {"status": "ok", "output": step.output, "error": None, "port": step.port}
        seen = {**names, "nodes": {**names["nodes"], step.node_id: own}}
        node_type = self._course.types.get(how.type, how.v)
        try:
            config = self._course.types.configured(node_type, how.with_, seen)
        except StepFault as fault:
            # The step itself was done; that it cannot be undone shows where it is to be.
            step.undo = {"error": error_of(fault)}
            return
        settings = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
        step.undo = {"with": settings}

    def _plan_retry(self, node: Node, step: Step, names: Names) -> None:
        """Say when another attempt follows, where one does."""
        retry, error = node.retry, step.error or {}
        if retry is None or step.attempt >= retry.max or step.ended_at is None:
            return
        if retry.when is None:
            again = bool(error.get("retryable"))
        else:
            try:
                again = holds(retry.when, {**names, "error": error})
            except StepFault as fault:
                step.error = error_of(fault)
                return
        if again:
            delay = max(_delay(retry, step.attempt), error.get("retry_after") or 0.0)
            step.retry_at = step.ended_at + timedelta(seconds=delay)

    async def _until_retry(self, node: Node, step: Step) -> None:
        if step.retry_at is None:
            return
        left = (step.retry_at - now()).total_seconds()
        if left <= BRIEF_SECONDS:
            with self._course.parking.working():
                await asyncio.sleep(max(left, 0))
            return
        until = step.retry_at

        async def begin() -> Awaited | Given:
            return Awaited("time", until)

        place = (step.path + RETRY, step.attempt)
        await self._course.waiting.waited(place, node.id, begin)


def _delay(retry: Retry, attempt: int) -> float:
    """Seconds before the attempt after this one."""
    plain = seconds_of(retry.delay) * retry.backoff**attempt
    bounded = min(plain, seconds_of(retry.max_delay))
    return bounded * (1 + retry.jitter * random.uniform(-1, 1))  # noqa: S311 - no secret


def end_of(step: Step) -> End:
    return End(step.position, step.port, step.output, step.error)
