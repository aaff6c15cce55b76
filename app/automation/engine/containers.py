"""Nodes that hold scopes: each item, turn or branch is a walk of its own, under its own path."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any, Final

import orjson

from app.automation.engine.compensating import Compensating
from app.automation.engine.course import Course
from app.automation.engine.errors import WorkflowFailed
from app.automation.engine.faults import error_of
from app.automation.engine.steps import Place, Step
from app.automation.engine.walking import Names, Stepping, Walk
from app.automation.language.expressions import holds
from app.automation.language.flow import ERROR, TIMEOUT, Node, Scope, seconds_of
from app.automation.language.walks import nodes_within
from app.automation.nodes.containers import LoopConfig, MapConfig, ParallelConfig, TryConfig
from app.automation.nodes.node_type import Awaited, ContainerNode, Given, StepFault
from app.core.clock import now
from app.core.tasks import stop_tasks

MOST_ITEMS: Final = 10_000
CLOCK: Final = "~clock"
MOST_OUTPUT_BYTES: Final = 64 * 1024 * 1024
Work = Callable[[], Coroutine[Any, Any, Any]]


class Containers:
    """Of one run."""

    def __init__(self, course: Course, carrier: Stepping) -> None:
        self._course = course
        self._carrier = carrier

    async def end_of(
        self, node: Node, node_type: ContainerNode[Any], path: str, attempt: int, names: Names
    ) -> Step:
        """How the container ended, not kept yet. Another attempt has paths of its own."""
        step = Step(path, attempt, node.id, node.type, "ok", now())
        self._course.telling.started(node, path, attempt)
        try:
            config = self._course.types.configured(node_type, node.with_, names)
            step.output = _bounded(await self._given(node, config, step.place, names))
        except StepFault as fault:
            step.error = error_of(fault)
        except WorkflowFailed as failed:
            step.error = {**failed.evidence, "path": failed.path}
        if step.error is not None:
            step.status, step.port = ERROR, ERROR
        return step

    async def _in_time(self, node: Node, place: Place, work: Work) -> Any:
        """What the work gives; its time counts on while no process holds the run.

        Whether it ended in time is kept before anything follows from it, so that every process
        finds the same. Raises StepFault, and what the work raises.
        """
        if node.timeout is None:
            return await work()
        waiting, clock = self._course.waiting, (place[0] + CLOCK, place[1])
        status = waiting.status(clock)
        if status == "brought":
            return await work()
        late = StepFault(TIMEOUT, f"It took longer than {node.timeout}.", retryable=True)
        if status not in (None, "open"):
            raise late
        seconds = seconds_of(node.timeout)

        async def begin() -> Awaited | Given:
            return Awaited("time", now() + timedelta(seconds=seconds))

        working = asyncio.create_task(work())
        ringing = asyncio.create_task(waiting.waited(clock, node.id, begin))
        if not await _ends_first(working, ringing) or not await waiting.stop(clock):
            raise late
        return working.result()

    async def _given(self, node: Node, config: Any, place: Place, names: Names) -> Any:
        if isinstance(config, TryConfig):
            return await self._tried(node, place, names)
        prefix = prefix_of(place)

        async def given() -> Any:
            if isinstance(config, MapConfig):
                return await self._mapped(_scope(node.body), config, prefix, names)
            if isinstance(config, LoopConfig):
                return await self._looped(_scope(node.body), config, prefix, names)
            if isinstance(config, ParallelConfig):
                return await self._branched(node.branches or {}, config, prefix, names)
            raise TypeError(f"`{node.type}` is no container that the engine knows")

        return await self._in_time(node, place, given)

    async def _mapped(self, body: Scope, config: MapConfig, prefix: str, names: Names) -> Any:
        items = config.items
        if len(items) > MOST_ITEMS:
            raise StepFault("too_many_items", f"A map takes at most {MOST_ITEMS} items.")
        outputs: list[Any] = [None] * len(items)
        errors: dict[int, dict[str, Any]] = {}

        async def one(index: int) -> None:
            await self._let_others()
            within = {**names, "item": items[index], "index": index}
            path = f"{prefix}[{index}]/"
            try:
                outputs[index] = await self._walk(body, path, within)
            except WorkflowFailed as failed:
                if config.on_error == "fail":
                    raise
                await self._course.waiting.abandon(path)
                errors[index] = {"index": index, **failed.evidence, "path": failed.path}

        await _each(one, range(len(items)), config.concurrency)
        if config.on_error == "fail":
            return outputs
        return {"results": outputs, "errors": [errors[index] for index in sorted(errors)]}

    async def _looped(self, body: Scope, config: LoopConfig, prefix: str, names: Names) -> Any:
        last, count = config.init, 0
        while count < config.max:
            await self._let_others()
            within = {**names, "index": count, "last": last}
            if config.while_ is not None and not holds(config.while_, within):
                break
            last = await self._walk(body, f"{prefix}[{count}]/", within)
            count += 1
            within = {**names, "index": count - 1, "last": last}
            if config.until is not None and holds(config.until, within):
                break
        return {"last": last, "count": count}

    async def _branched(
        self, branches: dict[str, Scope], config: ParallelConfig, prefix: str, names: Names
    ) -> Any:
        outputs: dict[str, Any] = dict.fromkeys(branches)
        labels = list(branches)

        async def one(place: int) -> None:
            label = labels[place]
            outputs[label] = await self._walk(branches[label], f"{prefix}/", names)

        await _each(one, range(len(labels)), config.concurrency or len(labels))
        return outputs

    async def _tried(self, node: Node, place: Place, names: Names) -> Any:
        """Its time is that of the body: when it is over, that is a failure like any other."""
        body, prefix = _scope(node.body), f"{prefix_of(place)}/"
        within = {**names, "error": None}
        output, failure = None, None
        try:
            output = await self._in_time(node, place, lambda: self._walk(body, prefix, names))
        except WorkflowFailed as failed:
            failure = failed
        except StepFault as fault:
            failure = WorkflowFailed(place[0], error_of(fault))
        if failure is not None:
            within["error"] = {**failure.evidence, "path": failure.path}
            stopped = {each.id for each in nodes_within(body)}
            await self._course.waiting.abandon(prefix, nodes=stopped)
            await Compensating(self._course, self._carrier).undo(body, prefix)
            if node.catch is not None:
                try:
                    output, failure = await self._walk(node.catch, prefix, within), None
                except WorkflowFailed as again:
                    failure = again
        if node.finally_ is not None:
            await self._walk(node.finally_, prefix, within)
        if failure is not None:
            raise failure
        return output

    async def _let_others(self) -> None:
        """Give the loop a turn: what is kept or computed on the spot takes none by itself."""
        with self._course.parking.working():
            await asyncio.sleep(0)

    async def _walk(self, scope: Scope, prefix: str, names: Names) -> Any:
        course = self._course
        walk = Walk(course.graph(scope), prefix, names, course.types, self._carrier, course.telling)
        return await walk.walk()


def prefix_of(place: Place) -> str:
    """How the paths begin of what a container does in one attempt."""
    path, attempt = place
    return path if attempt == 0 else f"{path}#{attempt}"


def beneath(place: Place) -> tuple[str, str]:
    """The same, with what follows in a branch or a body, and in an item or a turn."""
    prefix = prefix_of(place)
    return f"{prefix}/", f"{prefix}["


def _bounded(output: Any) -> Any:
    """Raises StepFault where a container gives more than can be kept."""
    try:
        written = orjson.dumps(output)
    except (TypeError, RecursionError):
        raise StepFault("output_invalid", "The scope gave what JSON cannot hold.") from None
    if len(written) > MOST_OUTPUT_BYTES:
        most = MOST_OUTPUT_BYTES // 2**20
        raise StepFault("output_too_large", f"The scope gave more than {most} MiB.")
    return output


def _scope(scope: Scope | None) -> Scope:
    if scope is None:
        raise TypeError("a container without its scope is not a checked one")
    return scope


async def _ends_first(working: asyncio.Task[Any], ringing: asyncio.Task[Any]) -> bool:
    """Whether work ends before its time; what is under way then is stopped.

    Raises what ends the run, and what keeps the time from being told.
    """
    try:
        await asyncio.wait({working, ringing}, return_when=asyncio.FIRST_COMPLETED)
        has_ended = working.done()
    finally:
        await stop_tasks([working, ringing])
        for task in (working, ringing):
            # Looked at, so that nobody misses it.
            if task.done() and not task.cancelled():
                task.exception()
    if not has_ended:
        ringing.result()
        return False
    error = working.exception()
    if isinstance(error, Exception) and not isinstance(error, WorkflowFailed | StepFault):
        raise error
    return True


async def _each(act: Callable[[int], Awaitable[None]], places: Iterable[int], at_once: int) -> None:
    """Act on each, some at once; the first failure stops the others."""
    remaining = iter(places)

    async def work() -> None:
        for place in remaining:
            await act(place)

    workers = [asyncio.create_task(work()) for _ in range(max(1, at_once))]
    try:
        await asyncio.gather(*workers)
    finally:
        await stop_tasks(workers)
