"""One attempt at a node that does something, or waits for something."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import orjson

from app.automation.engine.breaking import Guard, blames, key_of, usual_key
from app.automation.engine.course import Course
from app.automation.engine.faults import error_of
from app.automation.engine.steps import Place, Step
from app.automation.engine.walking import Names
from app.automation.language.flow import ERROR, TIMEOUT, Node, seconds_of
from app.automation.language.templates import rendered
from app.automation.nodes.node_type import (
    Awaited,
    Given,
    NodeType,
    StepContext,
    StepFault,
    TaskNode,
    WaitingNode,
)
from app.core.clock import now
from app.core.errors import AppError
from app.core.json_limits import storable, too_deep
from app.core.log import get_logger
from app.inference.gate.errors import BudgetExceeded
from app.runs.events.errors import RunLost
from app.runs.runs.patience import is_passing, patiently

log = get_logger(__name__)

MOST_OUTPUT_BYTES: Final = 8 * 1024 * 1024
INTERRUPTED: Final = "interrupted"
# How long a step waits for Postgres before it fails.
HOME_SECONDS: Final = 30.0
# What is not the step's own fault: the run is another process's by now, or may not cost more.
_PASSING: Final = (RunLost, BudgetExceeded)


async def tried(
    course: Course, node: Node, place: Place, names: Names, settings: dict[str, Any] | None
) -> Step:
    """How an attempt at a node ended, not kept yet.

    `names` are what its expressions see; with `settings`, those of its definition do not count.
    """
    node_type = course.types.get(node.type, node.v)
    return await _Attempt(course, node, node_type, *place, names, settings).carry_out()


@dataclass(slots=True)
class _Attempt:
    course: Course
    node: Node
    node_type: NodeType[Any]
    path: str
    attempt: int
    names: Names
    settings: dict[str, Any] | None

    async def carry_out(self) -> Step:
        step = Step(self.path, self.attempt, self.node.id, self.node.type, "ok", now())
        try:
            config = self._configured()
            step.input = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
            if self.course.journal.at(*step.place) is not None:
                raise StepFault(INTERRUPTED, "The server stopped in the middle of this step.")
            if isinstance(self.node_type, WaitingNode):
                _take(step, await self._waited(self.node_type, config, step))
            else:
                await self._done(config, step)
        except StepFault as fault:
            step.status, step.port, step.error = ERROR, ERROR, error_of(fault)
            step.input_tokens, step.output_tokens = fault.input_tokens, fault.output_tokens
            step.cost_usd = fault.cost_usd
        return step

    def _configured(self) -> Any:
        types = self.course.types
        if self.settings is None:
            return types.configured(self.node_type, self.node.with_, self.names)
        return types.checked(self.node_type, self.settings)

    async def _waited(self, node_type: WaitingNode[Any], config: Any, step: Step) -> Given:
        ctx = self.course.context(self.path, self.attempt, step.logs)

        async def begin() -> Awaited | Given:
            beginning = patiently(lambda: node_type.begin(ctx, config), HOME_SECONDS)
            awaited: Awaited | Given = await self._guarded(beginning, None)
            if isinstance(awaited, Awaited):
                awaited = self._in_time(awaited)
                self.course.telling.waiting(self.node, self.path, self.attempt, awaited)
            return awaited

        place = (self.path, self.attempt)
        brought = await self.course.waiting.waited(place, self.node.id, begin)
        return brought if isinstance(brought, Given) else node_type.finish(config, brought)

    def _in_time(self, awaited: Awaited) -> Awaited:
        """At most as long as an attempt at the node may take; a time is its own limit."""
        if self.node.timeout is None or awaited.kind == "time":
            return awaited
        latest = now() + timedelta(seconds=seconds_of(self.node.timeout))
        return replace(awaited, until=min(latest, awaited.until or latest))

    async def _done(self, config: Any, step: Step) -> None:
        if not isinstance(self.node_type, TaskNode):
            raise TypeError(f"`{self.node.type}` is neither a task nor waits")
        key = self._cache_key(step)
        with self.course.parking.working():
            found = await self.course.sharing.cached(key) if key is not None else None
            if found is not None:
                step.status = "cached"
                _take(step, Given(found["output"], found["port"]))
                return
        given = await self._let_through(self.node_type, config, step)
        _take(step, given)
        if key is not None and self.node.cache is not None:
            kept = {"output": step.output, "port": step.port}
            with self.course.parking.working():
                await self.course.sharing.cache(key, kept, seconds_of(self.node.cache.ttl))

    async def _let_through(self, node_type: TaskNode[Any], config: Any, step: Step) -> Given:
        """What it gives, unless its breaker is open."""
        guard = self._guard(node_type, config)
        if guard is None:
            return await self._performed(node_type, config, step)
        course = self.course
        with course.parking.working():
            left = await course.sharing.closed_for(guard)
        if left is not None:
            said = f"`{guard.key}` has failed too often; it is tried again in {left:.0f} s."
            raise StepFault("breaker_open", said, retryable=True, retry_after=left)
        failed: bool | None = None
        try:
            given = await self._performed(node_type, config, step)
            failed = False
        except StepFault as fault:
            failed = blames(fault)
            raise
        finally:
            with course.parking.working():
                await course.sharing.tried(guard, failed=failed)
        return given

    async def _performed(self, node_type: TaskNode[Any], config: Any, step: Step) -> Given:
        course, node = self.course, self.node
        ctx = course.context(self.path, self.attempt, step.logs)
        seconds = self._seconds(node_type)
        while True:
            with course.parking.working():
                async with course.slots:
                    step.started_at = now()
                    course.telling.started(node, self.path, self.attempt)
                    await self._keep_begun(node_type, ctx, config, step)
                    given: Given | None = None
                    try:
                        given = await self._guarded(_done(node_type, ctx, config), seconds)
                    except BudgetExceeded as error:
                        if course.journal.at(*step.place) is not None:
                            # Kept as begun: to begin it again would be to do it twice.
                            raise StepFault(error.code, error.detail) from None
                        log.info("workflow_step_waits_for_budget", path=self.path)
            if given is not None:
                return given
            with course.parking.waiting("budget"):
                await asyncio.Event().wait()

    async def _guarded(self, work: Any, seconds: float | None) -> Any:
        """What it gives; everything that goes wrong is a StepFault, but for what is PASSING."""
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            said = f"It took longer than {seconds:g} s." if seconds else "It took too long."
            raise StepFault(TIMEOUT, said, retryable=True) from None
        except (StepFault, *_PASSING):
            raise
        except AppError as error:
            raise StepFault(
                error.code,
                error.detail,
                retryable=error.retryable,
                retry_after=error.retry_after,
            ) from error
        except Exception as error:
            if is_passing(error):
                said = "A part of the server was away."
                raise StepFault("unavailable", said, retryable=True) from error
            log.exception("workflow_step_failed", path=self.path, node_type=self.node.type)
            said = "The server's log has the cause."
            raise StepFault("internal_error", said) from error

    async def _keep_begun(
        self, node_type: TaskNode[Any], ctx: StepContext, config: Any, step: Step
    ) -> None:
        """Keep that it begins, where it must not be done twice."""
        asking = patiently(lambda: node_type.is_repeatable(ctx, config), HOME_SECONDS)
        if not await self._guarded(asking, None):
            begun = Step(*step.place, step.node_id, step.node_type, "started", step.started_at)
            await self.course.journal.keep(begun)

    def _cache_key(self, step: Step) -> str | None:
        cache = self.node.cache
        if cache is None:
            return None
        # Another person may not see what this one does; another node's key means something else.
        key: list[Any] = [self.node.type, self.node.v, str(self.course.access.user_id)]
        if cache.key is None:
            key += [step.input]
        else:
            of = [str(self.course.workflow_id), self.course.workflow, self.node.id]
            key += [*of, rendered(cache.key, self.names)]
        written = orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(written).hexdigest()

    def _guard(self, node_type: TaskNode[Any], config: Any) -> Guard | None:
        """The breaker that this attempt stands before; raises StepFault for a key of no value."""
        breaker, course = self.node.breaker, self.course
        if breaker is None:
            return None
        own = f"{course.workflow_id}/{self.node.id}"
        usual = usual_key(self.node.type, node_type.target(config), own)
        return Guard(
            key_of(breaker, self.names, usual),
            breaker.failures,
            seconds_of(breaker.cooldown),
            f"{course.run_id}:{self.path}:{self.attempt}",
            self._seconds(node_type),
        )

    def _seconds(self, node_type: TaskNode[Any]) -> float:
        return seconds_of(self.node.timeout) if self.node.timeout else node_type.seconds


async def _done(node_type: TaskNode[Any], ctx: StepContext, config: Any) -> Given:
    if not node_type.is_at_home(config):
        return await node_type.perform(ctx, config)
    return await patiently(lambda: node_type.perform(ctx, config), HOME_SECONDS)


def _take(step: Step, given: Given) -> None:
    """What the step gave, as it can be kept; raises StepFault where it cannot."""
    try:
        written = orjson.dumps(given.output)
    except (TypeError, RecursionError):
        raise StepFault("output_invalid", "The step gave what JSON cannot hold.") from None
    if len(written) > MOST_OUTPUT_BYTES:
        most = MOST_OUTPUT_BYTES // 2**20
        raise StepFault("output_too_large", f"The step gave more than {most} MiB.")
    if too_deep(written, given.output) is not None:
        raise StepFault("output_invalid", "The step gave JSON that is nested too deeply.")
    step.output = storable(given.output)
    step.port = given.port
    step.input_tokens, step.output_tokens = given.input_tokens, given.output_tokens
    step.cost_usd = given.cost_usd
    if given.port == TIMEOUT:
        step.status = ERROR
        step.error = error_of(StepFault(TIMEOUT, "What the step waited for did not come in time."))
