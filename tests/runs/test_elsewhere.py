"""Runs that are driven elsewhere: no sweeper takes them up, and who does fences who did."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.runs.events.errors import RunLost
from app.runs.runs.work import Paused
from tests.support.runs import (
    KIND,
    MESSAGE,
    Scripted,
    assert_whole,
    create_run,
    find,
    forever,
    processes,
    read,
    says,
    until,
)


class Engine:
    """Notes what it is told."""

    kinds = (KIND,)

    def __init__(self):
        self.woken = []

    def wake(self, run_id):
        self.woken.append(run_id)


@pytest.fixture
def engine():
    return Engine()


def carried_out(process, run):
    return process.runs.recovery.carry_out(run.workspace_id, run.id)


async def test_a_run_of_nobody_is_left_alone_until_it_is_carried_out(kernel, access, engine):
    async with processes(kernel, Scripted(says(3)), elsewhere=engine) as [process]:
        run = await create_run(kernel, access, None)
        await process.runs.recovery.sweep()
        assert (await find(kernel, run)).status == "queued"
        ended = await carried_out(process, run)
        assert (ended.status, ended.attempt) == ("completed", 1)
        assert_whole(await read(process.runs, run))
        assert (await carried_out(process, run)).attempt == 1


async def test_a_paused_run_is_told_of_when_it_is_woken_or_cancelled(kernel, access, engine):
    async def waits(session):
        return True

    async def script(ctx):
        ctx.text("one ", message_id=MESSAGE)
        raise Paused("approval", waits)

    async with processes(kernel, Scripted(script), elsewhere=engine) as [process]:
        run = await create_run(kernel, access, None)
        assert (await carried_out(process, run)).status == "paused"
        async with kernel.database.unit(Scope(run.workspace_id)) as session:
            await process.runs.wake(session, run.workspace_id, run.id)
            assert not engine.woken
        assert engine.woken == [run.id]
        assert (await carried_out(process, run)).status == "paused"
        async with kernel.database.unit(Scope(run.workspace_id)) as session:
            process.runs.canceller(session)(run.id)
        assert engine.woken == [run.id] * 2


async def test_a_run_that_is_let_go_of_has_lost_no_process(kernel, access, engine):
    work = Scripted(forever)
    async with processes(kernel, work, count=2, elsewhere=engine) as [one, other]:
        run = await create_run(kernel, access, None)
        carrying = asyncio.create_task(carried_out(one, run))
        await until(lambda: work.begun)
        carrying.cancel()
        with suppress(asyncio.CancelledError):
            await carrying
        found = await find(kernel, run)
        assert (found.status, found.executor_id, work.cancelled) == ("queued", None, 1)
        work.script = says(1)
        assert (await carried_out(other, run)).status == "completed"
        reasons = [e.body["reason"] for e in await read(other.runs, run) if "resumed" in e.type]
        assert reasons == ["process_stopped"]


async def test_whoever_takes_a_run_up_shuts_its_owner_out(kernel, access, engine):
    work = Scripted(forever)
    async with processes(kernel, work, count=2, elsewhere=engine) as [one, other]:
        run = await create_run(kernel, access, None)
        carrying = asyncio.create_task(carried_out(one, run))
        await until(lambda: work.begun)
        work.script = says(1)
        assert (await carried_out(other, run)).status == "completed"
        # It is told that it has lost the run, or how the other one ended it: who is first, says.
        [told] = await asyncio.gather(carrying, return_exceptions=True)
        assert isinstance(told, RunLost) or told.executor_id == other.runs.executor.id
        assert_whole(await read(one.runs, run))


async def test_a_run_that_its_driver_may_not_know_of_is_found_once_in_a_while(
    kernel, access, engine
):
    async with processes(kernel, Scripted(forever), elsewhere=engine) as [process]:
        recovery = process.runs.recovery
        run, held = [
            await create_run(kernel, access, each) for each in (None, process.runs.executor.id)
        ]
        assert run.id not in [found for _, found in await recovery.unattended([KIND], 60)]
        async with kernel.database.unit(SYSTEM) as session:
            for each in (run, held):
                row = await session.get(type(each), each.id)
                row.updated_at = now() - timedelta(seconds=61)
        first = await recovery.unattended([KIND], 60)
        assert (run.workspace_id, run.id) in first
        assert held.id not in [found for _, found in first]
        assert run.id not in [found for _, found in await recovery.unattended([KIND], 60)]
