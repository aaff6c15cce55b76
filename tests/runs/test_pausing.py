"""A run that waits for something lets go of its process, and goes on when it is woken."""

import asyncio

from app.core.db import Scope
from app.runs.events import crud as events_crud
from app.runs.runs import crud, service
from app.runs.runs.work import Paused
from tests.support.runs import (
    MESSAGE,
    Scripted,
    assert_whole,
    find,
    launch,
    processes,
    read,
    read_bytes,
    until,
)


class Gate:
    """Work that says one, waits for `open`, and says two."""

    def __init__(self):
        self.open = False
        self.meanwhile = None
        self.asked = 0

    async def __call__(self, ctx):
        if not ctx.text_so_far:
            ctx.text("one ", message_id=MESSAGE)
        if not self.open:
            raise Paused("approval", self._waits, calls=["c1"])
        ctx.text("two", message_id=MESSAGE)

    async def _waits(self, session):
        self.asked += 1
        if self.meanwhile is not None:
            self.meanwhile()
        return not self.open


async def _wake(kernel, process, run):
    async with kernel.database.unit(Scope(run.workspace_id, run.user_id)) as session:
        await process.runs.wake(session, run.workspace_id, run.id)


async def _paused(kernel, run):
    found = await find(kernel, run)
    return found.status == "paused"


async def _until_paused(kernel, run):
    async with asyncio.timeout(20):
        while not await _paused(kernel, run):  # noqa: ASYNC110 - the row says it
            await asyncio.sleep(0.02)


async def test_it_pauses_without_a_process_and_goes_on_when_woken(kernel, access):
    gate = Gate()
    async with processes(kernel, Scripted(gate), count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        watching = asyncio.create_task(read_bytes(other.runs, run))
        await _until_paused(kernel, run)
        row = await find(kernel, run)
        assert (row.executor_id, row.ended_at) == (None, None)
        assert row.last_seq > 0
        await until(lambda: not owner.runs.executor.active)
        gate.open = True
        await _wake(kernel, other, run)
        events = await read(other.runs, run)
        assert_whole(events)
        kinds = [event.type for event in events]
        assert kinds.count("run.paused") == kinds.count("run.resumed") == 1
        paused = next(event for event in events if event.type == "run.paused").body
        assert (paused["reason"], paused["calls"]) == ("approval", ["c1"])
        resumed = next(event for event in events if event.type == "run.resumed").body
        assert resumed["reason"] == "continued"
        assert events[-1].body["result"]["text"] == "one two"
        assert await watching == await read_bytes(owner.runs, await find(kernel, run))


async def test_who_waits_for_a_run_is_let_go_at_each_pause_and_at_the_end(kernel, access):
    gate = Gate()
    async with processes(kernel, Scripted(gate), count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        for process in (owner, other):
            await asyncio.wait_for(process.runs.reader.settled(run), 20)
            assert await _paused(kernel, run)
        gate.open = True
        await _wake(kernel, other, run)
        row = await find(kernel, run)
        assert row.status != "paused"
        for process in (owner, other):
            await asyncio.wait_for(process.runs.reader.settled(row), 20)
            assert (await find(kernel, run)).status == "completed"


async def test_who_waits_for_a_run_waits_on_where_it_was_woken_meanwhile(kernel, access):
    gate, going = Gate(), asyncio.Event()

    async def slow(ctx):
        if ctx.text_so_far:
            await going.wait()
        await gate(ctx)

    async with processes(kernel, Scripted(slow)) as [owner]:
        run = await launch(kernel, owner.runs, access)
        await _until_paused(kernel, run)
        gate.open = True
        await _wake(kernel, owner, run)
        row = await find(kernel, run)
        waiting = asyncio.create_task(owner.runs.reader.settled(row))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        going.set()
        await asyncio.wait_for(waiting, 20)
        assert (await find(kernel, run)).status == "completed"


async def test_what_comes_just_before_the_pause_is_not_lost(kernel, access):
    gate = Gate()

    def opened():
        gate.open = True

    gate.meanwhile = opened
    async with processes(kernel, Scripted(gate)) as [owner]:
        run = await launch(kernel, owner.runs, access)
        events = await read(owner.runs, run)
        assert events[-1].type == "run.completed"
        assert gate.asked == 1


async def test_a_pause_does_not_count_as_a_loss(kernel, access):
    gate = Gate()
    async with processes(kernel, Scripted(gate)) as [owner]:
        run = await launch(kernel, owner.runs, access)
        for _ in range(5):
            await _until_paused(kernel, run)
            await _wake(kernel, owner, run)
            await until(lambda: gate.asked)
            gate.asked = 0
        await _until_paused(kernel, run)
        gate.open = True
        await _wake(kernel, owner, run)
        events = await read(owner.runs, run)
        assert events[-1].type == "run.completed"
        assert_whole(events)


async def test_it_outlives_valkey(kernel, access):
    gate = Gate()
    async with processes(kernel, Scripted(gate)) as [owner]:
        run = await launch(kernel, owner.runs, access)
        await _until_paused(kernel, run)
        before = await find(kernel, run)
        await until(lambda: not owner.runs.executor.active)
        keys = [key async for key in kernel.valkey.scan_iter(match=f"run:{{{run.id}}}:*")]
        assert keys
        await kernel.valkey.unlink(*keys)
        kept = owner.runs.reader.events(before, 0)
        assert [event.type for event in await anext(kept)][-1] == "run.paused"
        await kept.aclose()
        gate.open = True
        await _wake(kernel, owner, run)
        events = await read(owner.runs, run)
        assert_whole(events)
        assert events[-1].body["result"]["text"] == "one two"


async def test_a_paused_run_can_be_cancelled(kernel, access):
    async with processes(kernel, Scripted(Gate())) as [owner]:
        run = await launch(kernel, owner.runs, access)
        await _until_paused(kernel, run)
        async with kernel.database.unit(access.scope) as session:
            await service.request_cancel(session, access, run.id)
        events = await read(owner.runs, run)
        assert_whole(events)
        assert events[-1].type == "run.cancelled"


async def test_waking_what_does_not_pause_changes_nothing(kernel, access):
    gate = Gate()
    gate.open = True
    async with processes(kernel, Scripted(gate)) as [owner]:
        run = await launch(kernel, owner.runs, access)
        await read(owner.runs, run)
        await _wake(kernel, owner, run)
        assert (await find(kernel, run)).status == "completed"


async def test_what_it_kept_is_not_purged(kernel, access):
    async with processes(kernel, Scripted(Gate())) as [owner]:
        run = await launch(kernel, owner.runs, access)
        await _until_paused(kernel, run)
        await owner.runs.recovery.purge()
        row = await find(kernel, run)
        async with kernel.database.unit(access.scope) as session:
            assert await crud.get(session, run.workspace_id, run.id)
        assert row.last_seq == len(await _events(kernel, run))


async def _events(kernel, run):
    async with kernel.database.unit(Scope(run.workspace_id, run.user_id)) as session:
        return await events_crud.read(session, run.workspace_id, run.id, 0)
