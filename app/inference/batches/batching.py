"""The work of a batch: a few lines at a time, until each has an answer."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import AppError, InternalError
from app.core.limits import RateLimited
from app.core.log import get_logger
from app.identity.api_keys import service as api_keys
from app.inference.batches import crud
from app.inference.batches.answering import Clerk, Outcome
from app.inference.batches.errors import BatchKeyEnded
from app.inference.batches.models import Batch, BatchLine, BatchPart
from app.inference.batches.parts import Outside, Parts
from app.inference.batches.patience import Store, is_away, patiently
from app.inference.calls.calls import Calls
from app.inference.calls.remembering import access_of
from app.inference.gate.errors import GateAway, NoCandidateReady, TooManyCalls
from app.inference.usage import service as ledger
from app.inference.usage.errors import LedgerFull
from app.inference.usage.payer import payer_of
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

log = get_logger(__name__)

KIND: Final = "batch"
HEADERS: Final = "headers"
LINES_AT_ONCE: Final = 200
MOST_IN_PART: Final = 2000
# How often a line is asked again that failed for a while; where nobody was asked, it waits.
MOST_TRIES: Final = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
NOT_ASKED = (RateLimited, TooManyCalls, NoCandidateReady, GateAway, LedgerFull)
# How often a batch tells how far it is, and looks whether it may go on.
WATCH_SECONDS = 10.0


class Pace:
    """When a batch may ask again: whoever is told to wait, all of it waits."""

    def __init__(self) -> None:
        self._resume_at = 0.0

    async def wait(self) -> None:
        while True:
            seconds = self._resume_at - time.monotonic()
            if seconds <= 0:
                return
            await asyncio.sleep(seconds)

    def hold(self, seconds: float) -> None:
        self._resume_at = max(self._resume_at, time.monotonic() + seconds)


class Batching:
    """Carries out batches; `at_once` is how many lines of one are under way together."""

    kind = KIND

    def __init__(self, database: Database, calls: Calls, outside: Outside, at_once: int) -> None:
        self._store = Store(database)
        self._parts = Parts(self._store, outside)
        self._stopping: set[asyncio.Task[None]] = set()
        self._calls = calls
        self._at_once = at_once

    async def run(self, ctx: RunContext) -> None:
        """Answer every line that has no answer yet; a line of a dead process is asked again."""
        batch = await self._batch(ctx)
        if ctx.attempt > 1:
            await self._settle_lost(ctx)
        clerk = self._clerk(ctx)
        await whichever_first(self._carry_out(ctx, batch, clerk), self._watch(ctx, clerk.access))

    async def _carry_out(self, ctx: RunContext, batch: Batch, clerk: Clerk) -> None:
        if batch.processing == "auto":
            await self._hand_over(ctx, batch, clerk)
        await together(self._pace(ctx, batch, clerk), self._parts.follow(ctx, batch, clerk))
        # What a provider did not take came back while the others were under way.
        await self._pace(ctx, batch, clerk)

    async def _hand_over(self, ctx: RunContext, batch: Batch, clerk: Clerk) -> None:
        await self._mark_handing_over(ctx, batch, begun=True)
        lines = self._lines(ctx, batch.id)
        waiting: list[BatchLine] = []
        while (line := await lines.next()) is not None:
            waiting.append(line)
            if len(waiting) == MOST_IN_PART:
                await self._parts.hand_over(ctx, batch, clerk, waiting)
                waiting = []
        if waiting:
            await self._parts.hand_over(ctx, batch, clerk, waiting)
        await self._mark_handing_over(ctx, batch, begun=False)

    async def _mark_handing_over(self, ctx: RunContext, batch: Batch, *, begun: bool) -> None:
        await self._store.unit(
            ctx, lambda session: crud.mark_handing_over(session, batch, begun=begun), held=True
        )

    async def _pace(self, ctx: RunContext, batch: Batch, clerk: Clerk) -> None:
        lines, pace = self._lines(ctx, batch.id), Pace()
        await together(
            *(self._work(ctx, batch.expires_at, lines, clerk, pace) for _ in range(self._at_once))
        )

    async def _watch(self, ctx: RunContext, access: Access) -> None:
        """Have the run's log say how far the batch is; raises RunLost and BatchKeyEnded."""

        async def expect_living(session: AsyncSession) -> None:
            key_id = access.credential_id
            if not await api_keys.is_living(session, ctx.workspace_id, key_id):
                raise BatchKeyEnded

        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if access.credential == "api_key":
                await self._store.unit(ctx, expect_living, held=True)
            batch = await self._batch(ctx)
            counts = {"total": batch.total, "succeeded": batch.succeeded, "failed": batch.failed}
            ctx.emit("log", **counts)

    async def _settle_lost(self, ctx: RunContext) -> None:
        """Settle what a dead process asked itself; what a provider carries out goes on."""
        spared = await self._store.unit(ctx, lambda session: self._settle_unasked(ctx, session))
        await patiently(lambda: self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "", spared))

    async def _settle_unasked(self, ctx: RunContext, session: AsyncSession) -> frozenset[UUID]:
        """Give back what was let in to be handed over, and was not: nobody has been asked.

        Returns the requests that providers have yet to answer.
        """
        workspace_id, batch_id = ctx.workspace_id, batch_of(ctx)
        submitted = frozenset(await crud.submitted_requests(session, workspace_id, batch_id))
        if await crud.is_handing_over(session, workspace_id, batch_id):
            await self._calls.flush()
            begun = await ledger.open_requests(session, workspace_id, ctx.run_id)
            unasked = [one for one in begun if one not in submitted]
            await self._calls.settle_answered(workspace_id, ctx.run_id, dict.fromkeys(unasked))
        return submitted

    async def _work(
        self, ctx: RunContext, until: datetime, lines: "Lines", clerk: Clerk, pace: Pace
    ) -> None:
        while now() < until and (line := await lines.next()) is not None:
            outcome = await self._answered(ctx, line, until, clerk, pace)
            if outcome is not None:
                await self._end(ctx, line, outcome)

    async def _end(self, ctx: RunContext, line: BatchLine, outcome: Outcome) -> None:
        await self._store.unit(
            ctx,
            lambda session: crud.end_line(
                session, line, outcome.status, outcome.code, outcome.answer
            ),
        )

    async def _is_open(self, ctx: RunContext, line: BatchLine) -> bool:
        """Whether a line is still to be asked, and by this process; raises RunLost."""
        return await self._store.unit(
            ctx, lambda session: crud.is_pending(session, line), held=True
        )

    async def _answered(
        self, ctx: RunContext, line: BatchLine, until: datetime, clerk: Clerk, pace: Pace
    ) -> Outcome | None:
        """What came of a line; None for one that is not to be asked any more."""
        tries = 0
        while now() < until:
            await pace.wait()
            # Right before it is asked: after a pause, or a stall, it may be another process's.
            if not await self._is_open(ctx, line):
                return None
            try:
                return await clerk.ask(line)
            except AppError as error:
                tries += not isinstance(error, NOT_ASKED)
                if not error.retryable or tries >= MOST_TRIES:
                    return clerk.refusal(line, error)
                pace.hold(pause_of(error, tries))
            except Exception as error:
                if not is_away(error):
                    log.exception("batch_line_failed", line_id=str(line.id))
                    return clerk.refusal(line, InternalError("The server's log has the cause."))
                pace.hold(LONGEST_PAUSE / 10)
        return None

    def _lines(self, ctx: RunContext, batch_id: UUID) -> "Lines":
        async def page(after: int) -> Sequence[BatchLine]:
            return await self._store.unit(
                ctx,
                lambda session: crud.pending(
                    session, ctx.workspace_id, batch_id, after, LINES_AT_ONCE
                ),
            )

        return Lines(page)

    def _clerk(self, ctx: RunContext) -> Clerk:
        access = access_of(ctx)
        payer = payer_of(access, KIND, ctx.run_id)
        return Clerk(self._calls, payer, access, ctx.input.get(HEADERS, {}))

    async def _batch(self, ctx: RunContext) -> Batch:
        found = await self._store.unit(
            ctx, lambda session: crud.get(session, ctx.workspace_id, batch_of(ctx))
        )
        if found is None:
            raise AppError("The batch of this run is gone.")
        return found

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Close what is left open, and say how it went; its cost is the ledger's."""
        await self._settle_unasked(ctx, session)
        await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
        batch_id = batch_of(ctx)
        parts = await crud.open_parts(session, ctx.workspace_id, batch_id)
        if parts:
            on_commit(session, lambda: self._stop(ctx, parts))
        left = "expired" if ending.status == "completed" else "cancelled"
        closed = await crud.close_open(session, ctx.workspace_id, batch_id, left)
        batch = await crud.get(session, ctx.workspace_id, batch_id, for_update=True)
        if batch is not None:
            batch.status = "expired" if closed and left == "expired" else ending.status
            batch.error = ending.error.problem() if ending.error else None
            batch.ended_at = now()
        total = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
        result = {"batch_id": str(batch_id)}
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)

    def _stop(self, ctx: RunContext, parts: Sequence[BatchPart]) -> None:
        """Tell providers, without anybody waiting for it."""
        task = asyncio.create_task(self._parts.cancel(ctx, parts), name="stop batches")
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Do several things at once; when one fails, the others are stopped, and it is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def whichever_first(*works: Coroutine[Any, Any, None]) -> None:
    """Do several things at once until one of them ends or fails; the others are stopped."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class Lines:
    """Lines out of pages, for several workers; `page` gives those behind a position."""

    def __init__(self, page: Callable[[int], Awaitable[Sequence[BatchLine]]]) -> None:
        self._page = page
        self._waiting: deque[BatchLine] = deque()
        self._after = 0
        self._turn = asyncio.Lock()

    async def next(self) -> BatchLine | None:
        async with self._turn:
            if not self._waiting:
                self._waiting.extend(await self._page(self._after))
            if not self._waiting:
                return None
            line = self._waiting.popleft()
            self._after = line.position
            return line


def pause_of(error: AppError, tries: int) -> float:
    """Seconds: what was asked for, else longer each time, with full jitter."""
    if error.retry_after is not None:
        return min(error.retry_after, LONGEST_PAUSE)
    longest = min(FIRST_PAUSE * 2**tries, LONGEST_PAUSE)
    return random.uniform(0, longest)  # noqa: S311 - a draw, not a secret


def batch_of(ctx: RunContext) -> UUID:
    return UUID(ctx.input["batch_id"])
