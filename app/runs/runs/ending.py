"""The one transaction that ends a run: its row, its kept events, and what its work leaves."""

import asyncio
import time
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.db import Scope, on_commit
from app.core.errors import AppError, InternalError
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.runs.events import crud as events
from app.runs.events.event import Event
from app.runs.events.log import RunLog
from app.runs.runs import crud
from app.runs.runs.context import RunContext
from app.runs.runs.models import Run
from app.runs.runs.patience import PATIENCE_SECONDS, is_passing, patiently
from app.runs.runs.work import Ending, Paused, Settlement, Work

log = get_logger(__name__)


class Closer:
    """Ends runs, a few at a time so that requests keep their share of the connections."""

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self._room = asyncio.Semaphore(max(1, kernel.settings.database_pool_size // 2))

    async def end(self, ctx: RunContext, run_log: RunLog, work: Work, ending: Ending) -> bool:
        """End a run and close its log; False where that was not ours to do, or not possible.

        While Postgres is away it tries again for a minute. If the work cannot settle, the run
        fails without it.
        """
        ctx.close()
        settle: Work | None = work
        deadline, delay = time.monotonic() + PATIENCE_SECONDS, 0.1
        late = True
        while True:
            try:
                terminal = await self._commit(ctx, run_log, settle, ending, late)
            except Exception as error:
                # It may be committed, and only the answer lost: look before it is settled again.
                late = False
                if is_passing(error) and time.monotonic() < deadline:
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, 5.0)
                    continue
                log.exception("run_not_settled")
                if settle is None or is_passing(error):
                    return False
                settle, ending = None, Ending("failed", _shown(error))
                continue
            if terminal is not None:
                run_log.conclude(terminal)
            return terminal is not None

    async def _commit(
        self, ctx: RunContext, run_log: RunLog, work: Work | None, ending: Ending, late: bool
    ) -> Event | None:
        """The run's last event; None where it is not ours to end."""
        try:
            return await self._write(ctx, run_log, work, ending, late=late)
        except DBAPIError as error:
            if not crud.is_not_held(error):
                raise
        async with self._room, self._database.unit(ctx.scope) as session:
            return await _own_ending(session, ctx)

    async def _write(
        self, ctx: RunContext, run_log: RunLog, work: Work | None, ending: Ending, *, late: bool
    ) -> Event:
        workspace_id, run_id = ctx.workspace_id, ctx.run_id
        async with self._room, self._database.unit(ctx.scope, late=late) as session:
            await crud.hold(session, workspace_id, run_id, ctx.attempt)
            settled = await work.settle(ctx, session, ending) if work else Settlement()
            values = _values(run_id, settled, ending)
            terminal = run_log.draft(f"run.{ending.status}", _fields(settled, values["error"]))
            history = [*run_log.events, terminal]
            values |= {"last_seq": terminal.seq, "ended_at": now()}
            # What began here has nothing kept of its log yet.
            again = bool(ctx.history)
            await events.archive(
                session, workspace_id, run_id, history, values["ended_at"], again=again
            )
            await crud.end(session, workspace_id, run_id, values)
            on_commit(session, lambda: ctx.end(values))
            return terminal

    async def pause(self, ctx: RunContext, run_log: RunLog, paused: Paused) -> bool:
        """Let go of a run until it is woken; False where it is not ours, or not possible."""
        ctx.close()
        terminal = run_log.draft("run.paused", {"reason": paused.reason, **paused.fields})
        history = [*run_log.events, terminal]
        try:
            mine = await patiently(lambda: self._let_go(ctx, history, paused))
        except Exception:
            log.exception("run_not_paused")
            return False
        if mine:
            run_log.conclude(terminal)
        return mine

    async def _let_go(self, ctx: RunContext, history: list[Event], paused: Paused) -> bool:
        async with self._room, self._database.unit(ctx.scope) as session:
            run = await crud.lock_mine(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
            if run is None:
                return False
            waits = run.cancel_requested_at is None and await paused.waits(session)
            again = run.last_seq > 0
            await events.archive(
                session, run.workspace_id, run.id, history, events.OPEN, again=again
            )
            values = {
                "status": "paused" if waits else "queued",
                "executor_id": None,
                "last_seq": history[-1].seq,
                **_used(paused.usage),
            }
            await crud.finish(session, run, values)
            return True

    async def adopt(self, run: Run, history: list[Event]) -> None:
        """Write down a run whose log has its terminal event already."""
        last = history[-1]
        usage = last.body["usage"]
        values = {
            "status": last.type.removeprefix("run."),
            "result": last.body["result"],
            "error": last.body.get("error"),
            **usage,
        }
        async with self._database.unit(Scope(run.workspace_id, run.user_id)) as session:
            mine = await crud.lock_mine(session, run.workspace_id, run.id, run.attempt)
            if mine is not None:
                moment, again = now(), mine.last_seq > 0
                await events.archive(
                    session, run.workspace_id, run.id, history, moment, again=again
                )
                values |= {"last_seq": last.seq, "ended_at": moment}
                await crud.finish(session, mine, values)


async def _own_ending(session: AsyncSession, ctx: RunContext) -> Event | None:
    """The terminal event of a commit of ours whose answer was lost; None if it was not ours."""
    run = await crud.get(session, ctx.workspace_id, ctx.run_id)
    if run is None or run.ended_at is None or run.attempt != ctx.attempt:
        return None
    last = await events.read(session, ctx.workspace_id, ctx.run_id, run.last_seq - 1)
    return last[0] if last else None


def _values(run_id: UUID, settled: Settlement, ending: Ending) -> dict[str, Any]:
    error = ending.error.problem(instance=f"/v1/runs/{run_id}") if ending.error else None
    return {
        "status": ending.status,
        "result": settled.result,
        "error": error,
        **_used(settled),
    }


def _fields(settled: Settlement, error: dict[str, Any] | None) -> dict[str, Any]:
    failure = {} if error is None else {"error": error}
    return {"result": settled.result, "usage": _used(settled), **failure}


def _used(settled: Settlement) -> dict[str, Any]:
    return {
        "input_tokens": settled.input_tokens,
        "output_tokens": settled.output_tokens,
        "cost_usd": settled.cost_usd,
    }


def _shown(error: Exception) -> AppError:
    if isinstance(error, AppError):
        return error
    return InternalError("The run's result could not be stored; the server's log has the cause.")
