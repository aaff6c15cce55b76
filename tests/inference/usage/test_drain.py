"""No record of a call is lost or counted twice, whoever stores it and however often it comes."""

import asyncio
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import orjson
import pytest

from app.core.ids import new_text
from app.core.scripts import MOST_AT_ONCE
from app.inference.gate import gate as gating
from app.inference.gate.call import OpenCall
from app.inference.gate.gate import Settlement
from app.inference.gate.outbox import BATCH_NOTES
from app.inference.gate.records import began_of, end_of, head_of, row_of, start_of
from app.inference.providers.types import Usage
from app.inference.usage import crud
from app.inference.usage.drain import GROUP, STARTS, STREAM, joined, latest
from app.inference.usage.errors import LedgerFull
from tests.inference.gate.conftest import (
    LOAD,
    Counter,
    candidate,
    cost_of_rows,
    counter,
    new_budget,
    process,
    rows,
)
from tests.support.identity import until

DONE = Settlement("succeeded", Usage(1000, 500, 200, 0, 100), first_token_ms=12)


async def admit(gate, payer) -> OpenCall:
    return (await gate.admit(payer, None, (), [candidate()], LOAD)).call


async def rows_when(kernel, payer, *statuses: str):
    """The rows once they are so: the service that runs beside the tests drains the stream too."""

    async def so() -> bool:
        return [row.status for row in await rows(kernel, payer)] == list(statuses)

    await until(so)
    return await rows(kernel, payer)


def records_of(payer) -> tuple[dict, dict]:
    call = OpenCall(payer, candidate(), LOAD, new_text())
    call.began = began_of(call, row_of(payer, LOAD, "x"))
    call.usage, call.cost = DONE.usage, 7
    head = head_of(call)
    start, end = b"{%b,%b}" % (head, start_of(call)), b"{%b,%b}" % (head, end_of(call, DONE))
    return orjson.loads(start), orjson.loads(end)


async def test_many_calls_are_counted_exactly(kernel, payer):
    async def one(gate) -> None:
        call = await admit(gate, payer)
        await asyncio.sleep(0)
        gate.settle(call, DONE)

    async with process(kernel) as first, process(kernel) as second:
        await asyncio.gather(*(one(each.gate) for each in (first, second) for _ in range(300)))
        await asyncio.gather(first.gate.flush(), second.gate.flush())
        await first.gate.flush()
    found = await rows_when(kernel, payer, *["succeeded"] * 600)
    assert sum(row.input_tokens for row in found) == 600 * 1000


async def test_what_a_dead_process_had_taken_is_stored_by_another(kernel, payer):
    async with process(kernel) as dead, process(kernel) as alive:
        await dead.drain._open_group()
        dead.gate.settle(await admit(dead.gate, payer), DONE)
        await dead.outbox.flush()
        await dead.drain._read(">")
        await dead.die(kernel)
        await alive.drain.adopt(0)
        await alive.drain.catch_up()
    await rows_when(kernel, payer, "succeeded")


async def test_what_was_stored_and_not_acknowledged_is_counted_once(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as dead, process(kernel) as alive:
        await dead.drain._open_group()
        call = await admit(dead.gate, payer)
        dead.gate.settle(call, DONE)
        await dead.outbox.flush()
        entries = await dead.drain._read(">")
        await crud.merge(kernel.database, joined(entries))
        await dead.die(kernel)
        before = await rows_when(kernel, payer, "succeeded")
        await alive.drain.adopt(0)
        await alive.gate._lost.sweep()
        await alive.gate.flush()
        assert await counter(kernel, budget) == Counter(call.cost, 0)
    assert [row.cost_usd for row in await rows(kernel, payer)] == [before[0].cost_usd]
    assert await cost_of_rows(kernel, payer) == call.cost
    assert not await kernel.valkey.xpending_range(STREAM, GROUP, "-", "+", 1)


async def test_how_a_call_began_is_kept_until_it_is_stored_or_the_call_has_ended(kernel, payer):
    async with process(kernel) as mine:
        ended, open_call = await admit(mine.gate, payer), await admit(mine.gate, payer)
        bad = await admit(mine.gate, replace(payer, tags=("nul \x00",)))
        mine.gate.settle(ended, DONE)
        await mine.outbox.flush()
        assert not await kernel.valkey.hexists(STARTS, ended.id_text)
        await mine.drain.catch_up()
        assert not any(await kernel.valkey.hmget(STARTS, [open_call.id_text, bad.id_text]))
        # Of the bad one nothing is known.
        told = {row.id: row.status for row in await rows(kernel, payer)}
        assert told == {ended.id: "succeeded", open_call.id: "started"}
        mine.gate.settle(open_call, DONE)
        mine.gate.settle(bad, DONE)
    await rows_when(kernel, payer, "succeeded", "succeeded")


async def test_how_a_call_began_does_not_take_the_place_of_its_end(kernel, payer):
    start, end = records_of(payer)
    async with process(kernel) as mine:
        await crud.merge(kernel.database, orjson.dumps([end]))
        await kernel.valkey.hset(STARTS, start["id"], orjson.dumps(start))
        await mine.drain.catch_up()
    (row,) = await rows(kernel, payer)
    assert (row.status, row.output_tokens) == ("succeeded", 500)


async def test_redelivery_and_disorder_change_nothing(kernel, payer):
    start, end = records_of(payer)
    for record in (end, start, end, start, end):
        await crud.merge(kernel.database, orjson.dumps([record]))
    (row,) = await rows(kernel, payer)
    assert (row.status, row.output_tokens) == ("succeeded", 500)


async def test_of_two_ends_in_one_reading_the_known_one_wins(payer):
    start, end = records_of(payer)
    guess = end | {"status": "interrupted"}
    for records in ([start, guess, end], [end, guess, start], [guess, end], [end, guess]):
        assert latest(records) == [end]


async def test_one_record_that_cannot_be_stored_does_not_hold_up_the_others(kernel, payer):
    async with process(kernel) as mine:
        bad = await admit(mine.gate, replace(payer, tags=("nul \x00",)))
        good = await admit(mine.gate, payer)
        mine.gate.settle(bad, DONE)
        mine.gate.settle(good, replace(DONE, usage=Usage(10**15, 1)))
        await kernel.valkey.xadd(STREAM, {"records": b"not json"})
        await mine.gate.flush()
    (row,) = await rows_when(kernel, payer, "succeeded")
    assert (row.id, row.input_tokens) == (good.id, 2**31 - 1)


async def test_a_sweep_that_fails_does_not_end_the_drain(kernel, payer):
    async with process(kernel) as mine:
        failed = 0

        async def broken():
            nonlocal failed
            failed += 1
            raise TypeError("a price of another version")

        mine.drain._sweep, mine.drain._seconds = broken, 0.0
        mine.drain.start()

        async def failed_twice() -> bool:
            return failed >= 2

        await until(failed_twice)
        mine.gate.settle(await admit(mine.gate, payer), DONE)
        await rows_when(kernel, payer, "succeeded")
        assert not mine.drain._task.done()
        await mine.drain.close()


async def test_a_deleted_workspace_takes_its_records_with_it(kernel, payer):
    async with process(kernel) as mine:
        await admit(mine.gate, replace(payer, workspace_id=UUID(int=1)))
        await admit(mine.gate, payer)
        await mine.gate.flush()
    await rows_when(kernel, payer, "started")


async def test_records_travel_together(kernel, payer):
    async with process(kernel) as mine:
        sent, take = [], mine.gate._script._take

        def counting():
            batch = take()
            sent.append(sum(b'"admit"' in question.wire for question in batch))
            return batch

        mine.gate._script._take = counting
        calls = await asyncio.gather(*(admit(mine.gate, payer) for _ in range(400)))
        for call in calls:
            mine.gate.settle(call, DONE)
        await mine.gate.flush()
    assert sum(sent) == 400
    assert len(sent) < 400 / MOST_AT_ONCE + 8
    assert len(calls) < BATCH_NOTES
    await rows_when(kernel, payer, *["succeeded"] * 400)


async def test_too_much_that_is_kept_in_memory_refuses_the_next_call(kernel, payer, monkeypatch):
    monkeypatch.setattr(gating, "MAX_BACKLOG", 2)
    async with process(kernel) as mine:
        calls = [await admit(mine.gate, payer) for _ in range(2)]
        for call in calls:
            mine.gate.settle(call, DONE)
        with pytest.raises(LedgerFull):
            await admit(mine.gate, payer)
        await mine.gate.flush()
        await admit(mine.gate, payer)


async def test_a_row_begins_when_its_call_did(kernel, payer):
    async with process(kernel) as mine:
        call = await admit(mine.gate, payer)
        mine.gate.settle(call, DONE)
        await mine.gate.flush()
    (row,) = await rows(kernel, payer)
    assert isinstance(row.ended_at, datetime)
    assert row.created_at == call.created_at <= row.ended_at
