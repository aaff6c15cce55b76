"""What is written at once, what waits a little to leave with it, and who is woken by what."""

import asyncio
from uuid import uuid4

import pytest

from app.runs.events.appender import Appender
from app.runs.events.event import Event
from app.runs.events.log import PATIENT, RunLog
from app.runs.events.watchers import Watcher
from tests.support.runs import MESSAGE, Scripted, launch, processes, read, until


class Store:
    """Takes every batch, and remembers the types of the events in it."""

    def __init__(self):
        self.batches: list[list[str]] = []

    async def append(self, batch):
        self.batches.append([event.type for _, events in batch for event in events])
        return [log.written + len(events) for log, events in batch]


@pytest.fixture
def store():
    return Store()


@pytest.fixture
async def appender(store):
    made = Appender(store)
    made.start()
    yield made
    await made.close()


def log_of(appender) -> RunLog:
    return RunLog(uuid4(), 1, [], appender.mark)


def followed(appender) -> RunLog:
    """A log that someone reads as it grows."""
    log = log_of(appender)
    log.watchers.add(Watcher())
    return log


async def test_what_may_wait_leaves_with_what_is_waited_for(store, appender):
    log = followed(appender)
    log.append("run.created", {})
    log.append("run.started", {})
    await asyncio.sleep(0)
    assert store.batches == []
    log.append("step.started", {})
    await until(lambda: log.visible == 3)
    assert store.batches == [["run.created", "run.started", "step.started"]]


async def test_what_may_wait_does_not_wait_for_long(store, appender):
    log, other = log_of(appender), log_of(appender)
    log.append("usage.updated", {})
    other.append("step.completed", {})
    await until(lambda: store.batches == [["usage.updated", "step.completed"]])
    await until(lambda: log.visible == 1)
    log.append("step.completed", {})  # and it waits again
    await until(lambda: log.visible == 2)


async def test_one_run_does_not_hurry_another(store, appender):
    quiet, loud = followed(appender), followed(appender)
    quiet.append("run.started", {})
    loud.append("text.delta", {})
    await until(lambda: loud.visible == 1)
    assert store.batches[0] == ["text.delta"]


async def test_whoever_waits_for_it_to_be_durable_has_it_written_at_once(store, appender):
    log = log_of(appender)
    log.append("run.started", {})
    log.hurry()
    for _ in range(3):
        await asyncio.sleep(0)
    assert store.batches == [["run.started"]]
    log.hurry()  # nothing is left to write
    await asyncio.sleep(0.02)
    assert store.batches == [["run.started"]]


async def test_what_comes_about_with_the_runs_end_is_written_with_it(store, appender):
    log = log_of(appender)
    log.append("text.delta", {})
    log.rest()
    log.append("usage.updated", {})
    log.append("step.started", {})
    log.hurry()
    await asyncio.sleep(0.1)
    assert store.batches == [["text.delta"]]
    assert log.visible == 1
    log.conclude(log.draft("run.completed", {}))
    await until(lambda: log.written == 4)
    assert store.batches[1:] == [["usage.updated", "step.started", "run.completed"]]


async def test_what_waits_is_written_before_the_process_stops(store):
    appender = Appender(store)
    appender.start()
    log_of(appender).append("run.started", {})
    await appender.close()
    assert store.batches == [["run.started"]]


async def test_text_never_keeps_a_reader_waiting(store, appender):
    assert not PATIENT & {
        "text.delta",
        "reasoning.delta",
        "step.started",
        "tool.call",
        "run.paused",
    }
    log = followed(appender)
    log.append("text.delta", {})
    for _ in range(3):
        await asyncio.sleep(0)
    assert store.batches == [["text.delta"]]


async def test_what_nobody_follows_is_written_together(store, appender):
    log = log_of(appender)
    for kind in ("run.started", "step.started", "text.delta"):
        log.append(kind, {})
        await asyncio.sleep(0)
    log.conclude(log.draft("run.completed", {}))
    await until(lambda: log.written == 4)
    assert store.batches == [["run.started", "step.started", "text.delta", "run.completed"]]


async def test_what_comes_while_a_log_is_written_waits_too_where_nobody_follows(
    store, appender, monkeypatch
):
    monkeypatch.setattr("app.runs.events.appender.HOLD_SECONDS", 1)
    log, answered = log_of(appender), asyncio.Event()
    append = store.append

    async def slowly(batch):
        told = await append(batch)
        await answered.wait()
        return told

    store.append = slowly
    log.append("run.started", {})
    await until(lambda: store.batches)
    log.append("step.started", {})
    answered.set()
    await until(lambda: log.visible == 1)
    for _ in range(3):
        await asyncio.sleep(0)
    log.append("text.delta", {})
    await until(lambda: log.visible == 3)
    assert store.batches == [["run.started"], ["step.started", "text.delta"]]


async def test_a_reader_who_comes_has_the_rest_at_once(store, appender):
    log = log_of(appender)
    log.append("text.delta", {})
    log.watchers.add(Watcher())
    log.append("text.delta", {})
    for _ in range(3):
        await asyncio.sleep(0)
    assert store.batches == [["text.delta", "text.delta"]]


async def test_who_waits_for_the_end_alone_is_woken_by_that_alone(kernel, access):
    go = asyncio.Event()

    async def script(ctx):
        ctx.text("one", message_id=MESSAGE)
        await ctx.flush()
        await go.wait()

    async with processes(kernel, Scripted(script), count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        waiting = asyncio.create_task(owner.runs.reader.left(run.id))
        await asyncio.wait_for(other.runs.reader.left(run.id), 20)  # it is not under way there
        await asyncio.sleep(0.1)
        assert not waiting.done()
        go.set()
        await asyncio.wait_for(waiting, 20)
        assert run.ended_at is not None
        assert run.status == "completed"
        await asyncio.wait_for(owner.runs.reader.left(run.id), 20)
        events = await read(owner.runs, run)
        assert isinstance(events[-1], Event)
        assert events[-1].terminal


async def test_who_waits_for_the_end_is_let_go_where_the_process_stops(kernel, access):
    async with processes(kernel, Scripted(lambda ctx: asyncio.sleep(60))) as [process]:
        run = await launch(kernel, process.runs, access)
        waiting = asyncio.create_task(process.runs.reader.left(run.id))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        kernel.stopping.set()
        try:
            await asyncio.wait_for(waiting, 20)
        finally:
            kernel.stopping.clear()


async def test_who_waits_for_the_end_is_let_go_where_the_run_moves_on(kernel, access):
    async with processes(kernel, Scripted(lambda ctx: asyncio.sleep(60))) as [process]:
        run = await launch(kernel, process.runs, access)
        waiting = asyncio.create_task(process.runs.reader.left(run.id))
        await asyncio.sleep(0.05)
        process.runs.executor._local[run.id].abandon()
        await asyncio.wait_for(waiting, 20)
        assert run.ended_at is None
