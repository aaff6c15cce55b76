"""A process dies: another one takes its runs up, and each still ends exactly once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from redis import exceptions as valkey
from sqlalchemy import text

from app.core.clock import now
from app.runs.events.errors import RunLost
from app.runs.events.event import encode
from app.runs.runs import recovery as recovery_module
from app.runs.runs import service
from app.runs.runs.lease import open_lease
from tests.support.cutting import end_connection
from tests.support.runs import (
    MESSAGE,
    Process,
    Scripted,
    assert_whole,
    create_run,
    find,
    forever,
    launch,
    processes,
    read,
    read_bytes,
    until,
)


async def counting(ctx):
    """Says 1 to 30, and goes on where the attempt before broke off."""
    begin = len(ctx.text_so_far.split())
    for number in range(begin + 1, 31):
        ctx.text(f"{number} ", message_id=MESSAGE)
        await asyncio.sleep(0.03)


async def test_a_killed_process_hands_its_runs_to_another(kernel, access):
    async with processes(kernel, Scripted(counting), count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        watching = asyncio.create_task(read_bytes(other.runs, run))
        await until(lambda: owner.runs.executor._local[run.id].visible >= 10)
        await owner.kill()
        events = await read(other.runs, run)
        assert_whole(events)
        resumed = [event for event in events if event.type == "run.resumed"]
        assert [(e.body["attempt"], e.body["reason"]) for e in resumed] == [(2, "process_lost")]
        assert events[-1].body["result"]["text"].split() == [str(n) for n in range(1, 31)]
        assert await watching == await read_bytes(other.runs, await find(kernel, run))


async def test_a_stopped_process_hands_over_at_once(kernel, access):
    async with processes(kernel, Scripted(counting)) as [other]:
        owner = await Process(kernel, Scripted(counting)).start()
        run = await launch(kernel, owner.runs, access)
        await until(lambda: owner.runs.executor._local[run.id].visible >= 10)
        await owner.stop()
        events = await read(other.runs, run)
        assert_whole(events)
        # Not when its lease is over: the process would be lost then.
        reasons = [event.body["reason"] for event in events if event.type == "run.resumed"]
        assert reasons == ["process_stopped"]
        assert events[-1].body["result"]["text"].split() == [str(n) for n in range(1, 31)]


async def test_an_owner_that_was_taken_for_dead_cannot_write_any_more(kernel, access):
    work = Scripted(forever)
    async with processes(kernel, work, count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        stale = owner.runs.executor._local[run.id]
        await until(lambda: stale.visible >= 10)
        # The owner's key lapses although it lives: its loop stood still, say.
        owner.runs.recovery._lease._task.cancel()
        await kernel.valkey.delete(f"executor:{owner.runs.executor.id}")
        await other.runs.recovery.sweep()
        await until(lambda: run.id in other.runs.executor.active)
        await until(lambda: run.id not in owner.runs.executor.active)
        assert stale.abandoned
        assert work.cancelled == 1
        assert work.endings == []
        other.runs.executor.cancel(run.id)
        events = await read(other.runs, run)
        assert_whole(events)
        assert [e.body["attempt"] for e in events if e.type == "run.resumed"] == [2]


async def test_all_runs_of_a_dead_process_are_taken_up_in_one_sweep(kernel, access, monkeypatch):
    monkeypatch.setattr(recovery_module, "_CLAIM_ROWS", 2)
    async with processes(kernel, Scripted(forever)) as [process]:
        await process.runs.recovery.close()
        runs = [await create_run(kernel, access, "host:dead") for _ in range(7)]
        await process.runs.recovery.sweep()
        assert {(await find(kernel, run)).attempt for run in runs} == {2}


async def test_a_run_that_was_created_and_never_launched_is_started(kernel, access):
    work = Scripted(counting)
    async with processes(kernel, work) as [process]:
        run = await create_run(kernel, access, "host:dead")
        await until(lambda: run.id in process.runs.executor.active)
        events = await read(process.runs, run)
        assert_whole(events)
        assert [event.type for event in events[:2]] == ["run.created", "run.started"]


async def test_a_run_that_this_process_forgot_is_found(kernel, access, monkeypatch):
    monkeypatch.setattr(recovery_module, "FORGOTTEN_SECONDS", 0.1)
    async with processes(kernel, Scripted(counting)) as [process]:
        run = await create_run(kernel, access, process.runs.executor.id)
        events = await read(process.runs, run)
        assert_whole(events)


async def test_a_run_that_postgres_cut_off_is_taken_up_again(kernel, access, monkeypatch):
    monkeypatch.setattr(recovery_module, "FORGOTTEN_SECONDS", 0.1)

    async def script(ctx):
        if ctx.attempt == 1:
            async with kernel.database.unit(access.scope) as session:
                pid = await session.scalar(text("select pg_backend_pid()"))
                await asyncio.to_thread(end_connection, kernel, pid)
                await session.scalar(text("select 1"))
        await counting(ctx)

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        events = await read(process.runs, run)
        assert_whole(events)
        assert events[-1].type == "run.completed", events[-1].body
        assert [event.type for event in events].count("run.resumed") == 1
        assert (await find(kernel, run)).attempt == 2


@pytest.mark.parametrize("error", [RunLost(), valkey.ConnectionError(), valkey.TimeoutError()])
async def test_a_run_that_its_work_has_lost_sight_of_is_taken_up_again(
    error, kernel, access, monkeypatch
):
    monkeypatch.setattr(recovery_module, "FORGOTTEN_SECONDS", 0.1)

    async def script(ctx):
        if ctx.attempt == 1:
            raise error
        await counting(ctx)

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        events = await read(process.runs, run)
        assert_whole(events)
        assert events[-1].type == "run.completed", events[-1].body
        assert (await find(kernel, run)).attempt == 2


async def test_a_run_that_is_cut_off_again_and_again_fails(kernel, access, monkeypatch):
    monkeypatch.setattr(recovery_module, "FORGOTTEN_SECONDS", 0.1)

    async def script(_):
        raise ConnectionRefusedError

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        events = await read(process.runs, run)
        assert_whole(events)
        assert events[-1].body["error"]["code"] == "run_interrupted"
        assert (await find(kernel, run)).attempt == 4


async def test_a_run_that_kills_every_process_fails_as_interrupted(kernel, access):
    work = Scripted(counting)
    async with processes(kernel, work) as [process]:
        run = await create_run(kernel, access, process.runs.executor.id)
        async with kernel.database.unit(access.scope) as session:
            row = await service.get(session, access, run.id)
            row.attempt, row.executor_id = 3, "host:dead"
        events = await read(process.runs, run)
        assert_whole(events)
        assert [event.type for event in events] == ["run.created", "run.failed"]
        assert events[-1].body["error"]["code"] == "run_interrupted"
        assert events[-1].body["error"]["retryable"] is True
        assert [ending.status for ending in work.endings] == ["failed"]


async def test_a_cancelled_run_without_an_owner_is_ended_not_repeated(kernel, access):
    work = Scripted(forever)
    run = await create_run(kernel, access, "host:dead")
    async with kernel.database.unit(access.scope) as session:
        await service.request_cancel(session, access, run.id)
    async with processes(kernel, work) as [process]:
        events = await read(process.runs, run)
        assert [event.type for event in events] == ["run.created", "run.cancelled"]


async def test_a_log_that_ended_already_only_has_its_row_finished(kernel, access):
    work = Scripted(forever)
    async with processes(kernel, work):
        run = await create_run(kernel, access, "nobody")
        usage = {"input_tokens": 1, "output_tokens": 2, "cost_usd": None}
        ending = encode(
            str(run.id), 1, "run.completed", {"result": {"text": "done"}, "usage": usage}
        )
        await kernel.valkey.xadd(
            f"run:{{{run.id}}}:log", {"t": ending.type, "b": ending.raw}, id="1-0"
        )
        async with asyncio.timeout(10):
            while (row := await find(kernel, run)).ended_at is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (row.status, row.result, row.output_tokens) == ("completed", {"text": "done"}, 2)
        assert work.endings == []


async def test_lost_keys_are_not_taken_for_lost_processes(kernel, access):
    """Valkey lost everything: whoever lives has the time to say so before it is judged."""
    async with processes(kernel, Scripted(forever), count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        keys = [f"executor:{process.runs.executor.id}" for process in (owner, other)]
        await kernel.valkey.delete(*keys)
        await other.runs.recovery.sweep()
        await asyncio.sleep(kernel.settings.run_lease_seconds)
        await other.runs.recovery.sweep()
        assert run.id in owner.runs.executor.active
        assert (await find(kernel, run)).attempt == 1
        owner.runs.executor.cancel(run.id)
        assert_whole(await read(owner.runs, run))


async def test_a_loss_of_keys_is_noticed_by_whichever_looks_first(kernel):
    async with open_lease(kernel) as lease:
        assert await lease.roll_call(["gone:1"]) == {"gone:1": "process_lost"}
        await kernel.valkey.delete(f"executor:{lease.executor_id}")
        await lease._renew()
        assert await lease.roll_call(["gone:1"]) == {}


async def test_events_are_purged_when_their_time_has_come(kernel, access):
    async with processes(kernel, Scripted(lambda ctx: asyncio.sleep(0))) as [process]:
        run = await launch(kernel, process.runs, access)
        await read(process.runs, run)
        row = await find(kernel, run)
        await process.runs.recovery.purge()
        assert len(await read(process.runs, row)) == 3
        process.runs.recovery._kernel = replace(
            kernel, settings=kernel.settings.model_copy(update={"event_retention_hours": 0})
        )
        assert row.ended_at < now() + timedelta(seconds=1)
        await process.runs.recovery.purge()
        assert await read(process.runs, row) == []
