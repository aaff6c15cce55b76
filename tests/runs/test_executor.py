"""Carrying out runs: how they end, how they are cancelled, what a failing store does to them."""

import asyncio

from sqlalchemy import text

from app.core.db import SYSTEM
from app.core.errors import TooManyRequests
from app.runs.events.log import RunLog
from app.runs.runs import ending as ending_module
from app.runs.runs import executor as executor_module
from app.runs.runs import recovery as recovery_module
from app.runs.runs import service
from tests.support.runs import (
    MESSAGE,
    Scripted,
    assert_whole,
    ended,
    find,
    forever,
    launch,
    processes,
    read,
    until,
)


async def test_an_app_error_fails_the_run_with_its_problem(kernel, access):
    async def script(ctx):
        ctx.text("so far", message_id=MESSAGE)
        raise TooManyRequests("The provider wants a pause.")

    work = Scripted(script)
    async with processes(kernel, work) as [process]:
        run = await launch(kernel, process.runs, access)
        row = await ended(kernel, process.runs, run)
        assert (row.status, row.error["code"], row.error["retryable"]) == (
            "failed",
            "rate_limited",
            True,
        )
        assert row.result == {"text": "so far"}
        last = (await read(process.runs, run))[-1]
        assert last.type == "run.failed"
        assert last.body["error"] == row.error
        assert work.endings[0].error.detail == "The provider wants a pause."


async def test_an_unexpected_error_shows_nothing_of_itself(kernel, access):
    async def script(ctx):
        raise ValueError("the secret of the house")

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        row = await ended(kernel, process.runs, run)
        assert row.error["code"] == "internal_error"
        assert "secret of the house" not in str(row.error)


async def test_cancel_reaches_the_work_at_once_and_is_idempotent(kernel, access, monkeypatch):
    monkeypatch.setattr(recovery_module, "SWEEP_SECONDS", 60)  # nobody looks for it
    work = Scripted(forever)
    async with processes(kernel, work, count=2) as [owner, other]:
        for asked in (owner, other):
            run = await launch(kernel, owner.runs, access)
            async with asyncio.timeout(20):
                for _ in range(3):
                    async with kernel.database.unit(access.scope) as session:
                        noted = await service.request_cancel(session, access, run.id)
                    assert noted.cancel_requested_at is not None
                    asked.runs.recovery.announce_cancel(run.id)
                events = await read(other.runs, run)
            assert_whole(events)
            assert events[-1].type == "run.cancelled"
            row = await find(kernel, run)
            assert row.status == "cancelled"
            async with kernel.database.unit(access.scope) as session:
                again = await service.request_cancel(session, access, run.id)
            assert again.cancel_requested_at == noted.cancel_requested_at
        assert work.cancelled == 2


async def test_a_cancel_whose_message_is_lost_is_found(kernel, access):
    async with processes(kernel, Scripted(forever)) as [process]:
        run = await launch(kernel, process.runs, access)
        async with kernel.database.unit(access.scope) as session:
            await service.request_cancel(session, access, run.id)
        async with asyncio.timeout(20):
            assert (await ended(kernel, process.runs, run)).status == "cancelled"


async def test_work_that_ignores_its_cancellation_does_not_hold_up_the_end(
    kernel, access, monkeypatch
):
    monkeypatch.setattr(executor_module, "GRACE_SECONDS", 0.2)
    release = asyncio.Event()

    async def script(ctx):
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                ctx.emit("log", text="not yet")
        ctx.emit("log", text="too late")

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        await until(lambda: process.runs.executor._local[run.id].visible >= 2)
        process.runs.executor.cancel(run.id)
        row = await ended(kernel, process.runs, run)
        assert row.status == "cancelled"
        release.set()
        await asyncio.sleep(0.05)
        events = await read(process.runs, row)
        assert_whole(events)
        assert "too late" not in [event.body.get("text") for event in events]


async def test_a_settlement_that_fails_still_ends_the_run(kernel, access):
    work = Scripted(lambda ctx: asyncio.sleep(0))

    async def settle(ctx, session, ending):
        await session.execute(text("select 1 / 0"))

    work.settle = settle
    async with processes(kernel, work) as [process]:
        run = await launch(kernel, process.runs, access)
        row = await ended(kernel, process.runs, run)
        assert (row.status, row.error["code"]) == ("failed", "internal_error")


async def test_an_ending_waits_for_a_database_that_is_away(kernel, access):
    work = Scripted(lambda ctx: asyncio.sleep(0))
    settle, failures = work.settle, [ConnectionRefusedError(), ConnectionResetError()]

    async def unlucky(ctx, session, ending):
        if failures:
            raise failures.pop()
        return await settle(ctx, session, ending)

    work.settle = unlucky
    async with processes(kernel, work) as [process]:
        run = await launch(kernel, process.runs, access)
        assert (await ended(kernel, process.runs, run)).status == "completed"


async def test_a_commit_whose_answer_is_lost_is_recognised(kernel, access, monkeypatch):
    commit, answers = ending_module.Closer._commit, []

    async def unanswered(self, *arguments):
        answers.append(await commit(self, *arguments))
        if len(answers) == 1:
            raise ConnectionResetError
        return answers[-1]

    monkeypatch.setattr(ending_module.Closer, "_commit", unanswered)
    work = Scripted(lambda ctx: asyncio.sleep(0))
    async with processes(kernel, work) as [process]:
        run = await launch(kernel, process.runs, access)
        events = await read(process.runs, run)
        assert_whole(events)
        assert [answer.raw for answer in answers] == [events[-1].raw] * 2
        assert len(work.endings) == 1


async def test_a_reader_ends_though_the_terminal_event_never_reached_valkey(
    kernel, access, monkeypatch
):
    monkeypatch.setattr(RunLog, "conclude", lambda self, terminal: None)
    async with processes(kernel, Scripted(lambda ctx: asyncio.sleep(0)), count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        async with asyncio.timeout(20):
            events = await read(other.runs, run)
        assert_whole(events)
        assert events[-1].type == "run.completed"


async def test_flush_returns_once_the_events_are_durable(kernel, access):
    durable = []

    async def script(ctx):
        for number in range(5):
            ctx.emit("log", number=number)
            await ctx.flush()
            durable.append(await kernel.valkey.xlen(f"run:{{{ctx.run_id}}}:log"))

    async with processes(kernel, Scripted(script)) as [process]:
        run = await launch(kernel, process.runs, access)
        await read(process.runs, run)
        assert durable == [3, 4, 5, 6, 7]


async def test_a_run_whose_workspace_is_deleted_ends_quietly(kernel, access):
    work = Scripted(forever)
    async with processes(kernel, work, count=2) as [owner, other]:
        run = await launch(kernel, owner.runs, access)
        watching = asyncio.create_task(read(other.runs, run))
        await until(lambda: owner.runs.executor._local[run.id].visible > 3)
        async with kernel.database.unit(SYSTEM) as session:
            await session.execute(
                text("delete from workspaces where id = :id"), {"id": access.workspace_id}
            )
        owner.runs.executor.cancel(run.id)
        await until(lambda: not owner.runs.executor.active)
        assert not any(event.terminal for event in await watching)
