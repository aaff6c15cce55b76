"""Runs for tests: work that does as it is told, and processes that can be killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from decimal import Decimal
from uuid import uuid4

from app.core.auth import Access, Permission
from app.core.db import SYSTEM, Scope
from app.core.kernel import Kernel
from app.identity.workspaces.models import Workspace
from app.runs.events.event import Event
from app.runs.runs import service
from app.runs.runs.bundle import Runs, open_runs
from app.runs.runs.context import RunContext
from app.runs.runs.elsewhere import Elsewhere
from app.runs.runs.lease import open_lease
from app.runs.runs.models import Run
from app.runs.runs.work import Ending, Settlement

KIND = "scripted"
MESSAGE = str(uuid4())

Script = Callable[[RunContext], Awaitable[None]]


class Scripted:
    """Work that follows a script; what happened to it is kept to be looked at."""

    kind = KIND

    def __init__(self, script: Script) -> None:
        self.script = script
        self.endings: list[Ending] = []
        self.begun = 0
        self.cancelled = 0

    async def run(self, ctx: RunContext) -> None:
        self.begun += 1
        try:
            await self.script(ctx)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def settle(self, ctx, session, ending: Ending) -> Settlement:
        self.endings.append(ending)
        return Settlement({"text": ctx.text_so_far}, 3, 4, Decimal("0.000012"))


def says(count: int, pause: float = 0.0) -> Script:
    """A script of `count` log lines; a pause of 0 gives way to others only."""

    async def script(ctx: RunContext) -> None:
        for number in range(count):
            ctx.emit("log", number=number)
            await asyncio.sleep(pause)

    return script


async def forever(ctx: RunContext) -> None:
    while True:
        ctx.emit("log", text="tick")
        await asyncio.sleep(0.01)


async def new_access(kernel: Kernel) -> Access:
    """A caller with a workspace of its own."""
    workspace = Workspace(name="Test")
    async with kernel.database.unit(SYSTEM) as session:
        session.add(workspace)
    return Access(workspace.id, uuid4(), frozenset(Permission), "session", uuid4())


async def create_run(
    kernel: Kernel, access: Access, executor_id: str | None, kind: str = KIND
) -> Run:
    async with kernel.database.unit(access.scope) as session:
        return await service.create(
            session, access, executor_id=executor_id, kind=kind, input={}, subject_id=None
        )


async def launch(kernel: Kernel, runs: Runs, access: Access, kind: str = KIND) -> Run:
    run = await create_run(kernel, access, runs.executor.id, kind)
    runs.executor.launch(run)
    return run


async def find(kernel: Kernel, run: Run) -> Run:
    async with kernel.database.unit(Scope(run.workspace_id)) as session:
        found = await session.get(Run, run.id)
    assert found is not None
    return found


async def read(runs: Runs, run: Run, after: int = 0) -> list[Event]:
    """All events up to the end of the stream."""
    async with asyncio.timeout(30), aclosing(runs.reader.events(run, after)) as batches:
        return [event async for batch in batches for event in batch]


async def read_bytes(runs: Runs, run: Run, after: int = 0) -> bytes:
    """The native stream, without its first line and its pings."""
    async with asyncio.timeout(30), aclosing(runs.reader.frames(run, after)) as blocks:
        return b"".join([block async for block in blocks if block[:2] == b"id"])


async def ended(kernel: Kernel, runs: Runs, run: Run) -> Run:
    """The run's row once it has ended."""
    await read(runs, run)
    return await find(kernel, run)


def assert_whole(events: Sequence[Event]) -> None:
    """No gap, nothing twice, and exactly one terminal event, at the end."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.seq for event in events if event.terminal] == [len(events)]


class Process:
    """One process of the service; several of them share the stores and this loop."""

    def __init__(
        self, kernel: Kernel, *works: Scripted, elsewhere: Elsewhere | None = None
    ) -> None:
        self.kernel = kernel
        self.works = works
        self.elsewhere = elsewhere
        self.runs: Runs
        self._stack = AsyncExitStack()
        self._killed = False

    async def start(self) -> "Process":
        lease = await self._stack.enter_async_context(open_lease(self.kernel))
        self.runs = await self._stack.enter_async_context(
            open_runs(self.kernel, self.works, lease, self.elsewhere)
        )
        return self

    async def stop(self) -> None:
        if not self._killed:
            await self._stack.aclose()

    async def kill(self) -> None:
        """Die without a last word: nothing is written any more, and the key lapses."""
        self._killed = True
        executor, recovery = self.runs.executor, self.runs.recovery
        lease, signals, reader = recovery._lease, recovery._signals, self.runs.reader
        drives = [active.task for active in executor._active.values()]
        tasks = [executor._appender._task, lease._task, signals._task, *reader._tasks]
        for task in (*tasks, *drives, *recovery._tasks):
            # A store's client can take one cancellation in mid-command for a failure of its own.
            while not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.01)
        await self.kernel.valkey.delete(f"executor:{executor.id}")


async def outrun(
    process: Process, runs: Runs, run: Run, asked: asyncio.Event, is_over: asyncio.Event
) -> list[Event]:
    """What a log tells in the end whose process could write no more of it, went on, and died.

    It dies once the work has `asked` for what comes only when `is_over`.
    """
    process.runs.executor._appender._task.cancel()
    await asyncio.wait_for(asked.wait(), 20)
    await process.kill()
    is_over.set()
    await runs.recovery.sweep()
    events = await read(runs, run)
    assert_whole(events)
    assert events[-1].type == "run.completed", events[-1].body
    return events


@asynccontextmanager
async def processes(
    kernel: Kernel, *works: Scripted, count: int = 1, elsewhere: Elsewhere | None = None
) -> AsyncIterator[list]:
    """Some processes that all know the same works."""
    started = [await Process(kernel, *works, elsewhere=elsewhere).start() for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            await process.stop()


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for a condition to come true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a test looks at what has no event
            await asyncio.sleep(0.01)
