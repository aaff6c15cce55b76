"""The way of one request through its candidates: each attempt is settled exactly once.

granted ── asking ──┬─ its first token has come: opened ── … ── ended
             ▲      │
             └──────┴─ failed: the next one is admitted, or the error is the answer
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from app.core.config import Settings
from app.core.errors import AppError, InternalError
from app.inference.cache.responses import Responses
from app.inference.calls.attempt import Attempt
from app.inference.calls.following import Following
from app.inference.calls.order import Grant
from app.inference.calls.turning import Turn, Turning
from app.inference.dialects.errors import RequestInvalid
from app.inference.gate.call import Load, OpenCall, Settlement
from app.inference.gate.gate import Gate
from app.inference.guardrails.policies import Guardrails
from app.inference.providers.errors import (
    ContentFiltered,
    ContextTooLong,
    ModelNotFound,
    ProviderError,
    ProviderRejected,
)
from app.inference.routing.board import Outcome
from app.inference.routing.planner import Router

T = TypeVar("T")
Ask = Callable[[Attempt], Awaitable[T]]

FAILURES = (ProviderError, RequestInvalid)
# Errors that say nothing of how well a provider does.
NOT_ITS_FAULT = (RequestInvalid, ProviderRejected, ContextTooLong, ContentFiltered, ModelNotFound)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every course needs."""

    gate: Gate
    router: Router
    settings: Settings
    following: Following
    guardrails: Guardrails | None = None
    responses: Responses | None = None


class Course:
    """`attempt` is the one whose answer is under way, or that was the last to fail.

    `calls` are all that were made, in order.
    """

    def __init__(self, desk: Desk, grant: Grant) -> None:
        grant.taken = True
        self.grant = grant
        self.plan = grant.plan
        self.attempt = Attempt(grant.call, 1)
        self.calls: list[OpenCall] = []
        self._desk = desk
        self._turning: Turning | None = None
        self._begin(self.attempt)

    @property
    def attempts(self) -> int:
        return len(self.calls)

    @property
    def turning(self) -> Turning:
        """Where to turn, which few requests ask."""
        if self._turning is None:
            self._turning = Turning(self.plan, self._desk.settings.provider_retries)
            self._turning.asked(self.attempt.candidate)
        return self._turning

    async def opened(self, ask: Ask[T], drop: Callable[[T], None]) -> T:
        """Ask candidates until one has begun to answer; raises the error that is the answer.

        `drop` closes an answer that nobody wants: where two were asked at once, the slower one's.
        """
        seconds = self.plan.failover.hedge_after
        while True:
            attempt = self.attempt
            try:
                if seconds is not None and self.turning.left and self.turning.may_go_on:
                    return await self._hedged(ask, drop, seconds)
                return await ask(attempt)
            except FAILURES as error:
                self.fail(attempt, error)
                await self.turn(error)
            except BaseException as error:
                self._broken(attempt, error)
                raise

    async def turn(self, error: AppError, *, rest: Load | None = None) -> None:
        """Have the next attempt admitted after this failure; raises it where there is none.

        `rest` is the load of what goes on with an answer that had begun.
        """
        in_stream = rest is not None
        turn = self.turning.after(self.attempt.candidate, error, in_stream=in_stream)
        following = await self._admitted(turn, rest) if turn is not None else None
        if following is None:
            raise error
        self.attempt = following

    def fail(self, attempt: Attempt, error: AppError) -> None:
        self.end(attempt, "failed", error)

    def end(self, attempt: Attempt, status: str, error: AppError | None = None) -> None:
        """Settle an attempt; the first time counts."""
        if attempt.over:
            return
        attempt.over = True
        guard = self.grant.guard
        settled = Settlement(
            status,
            attempt.usage,
            attempt.usage_is_partial,
            attempt.output_tokens,
            attempt.first_token_ms,
            error,
            attempt.images,
            attempt.milliseconds,
            findings=() if guard is None else guard.told,
        )
        if attempt.on_going is not None:
            self._desk.following.settle(attempt, settled, attempt.on_going)
        else:
            self._desk.gate.settle(attempt.call, settled)
        self._report(attempt, status, error)

    async def _asked(self, attempt: Attempt, ask: Ask[T]) -> T:
        try:
            return await ask(attempt)
        except BaseException as error:
            self._broken(attempt, error)
            raise

    def _broken(self, attempt: Attempt, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError):
            self.end(attempt, "cancelled")
        else:
            self.fail(attempt, error if isinstance(error, AppError) else InternalError())

    async def _hedged(self, ask: Ask[T], drop: Callable[[T], None], seconds: float) -> T:
        """Ask a second candidate where the first has not begun in time; the faster one answers."""
        asked: dict[asyncio.Task[T], Attempt] = {}
        pause: float | None = seconds
        self._start(asked, self.attempt, ask)
        try:
            while True:
                done, _ = await asyncio.wait(
                    asked, timeout=pause, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    pause = None
                    second = await self._admitted(Turn(0, self.turning.left))
                    if second is not None:
                        self._start(asked, second, ask)
                    continue
                for task in done:
                    self.attempt = asked.pop(task)
                    if task.exception() is None or not asked:
                        return task.result()
        finally:
            await self._drop(asked, drop)

    def _start(
        self, asked: dict["asyncio.Task[T]", Attempt], attempt: Attempt, ask: Ask[T]
    ) -> None:
        asked[asyncio.ensure_future(self._asked(attempt, ask))] = attempt

    async def _drop(
        self, asked: dict["asyncio.Task[T]", Attempt], drop: Callable[[T], None]
    ) -> None:
        """Close what is still under way; what it has used is billed."""
        for task in asked:
            task.cancel()
        if asked:
            await asyncio.wait(asked)
        for task, attempt in asked.items():
            if not task.cancelled() and task.exception() is None:
                drop(task.result())
                self.end(attempt, "cancelled")

    async def _admitted(self, turn: Turn, load: Load | None = None) -> Attempt | None:
        """The next attempt; None where the gate lets nobody through."""
        if turn.wait:
            await asyncio.sleep(turn.wait)
        try:
            call = await self._desk.gate.admit_next(self.attempt.call, turn.candidates, load)
        except AppError:
            # Whatever keeps us from asking another one: what went wrong is the failure before it.
            return None
        attempt = Attempt(call, self.attempts + 1)
        self.turning.asked(attempt.candidate)
        self._begin(attempt)
        return attempt

    def _begin(self, attempt: Attempt) -> None:
        self.calls.append(attempt.call)
        self._desk.router.board.began(attempt.candidate.deployment)

    def _report(self, attempt: Attempt, status: str, error: AppError | None) -> None:
        usage, router = attempt.usage, self._desk.router
        outcome = Outcome(
            is_good(status, error),
            attempt.first_token_ms,
            attempt.duration_ms,
            attempt.output_tokens if usage is None else usage.output_tokens,
            None if usage is None else attempt.call.cost,
        )
        router.board.ended(attempt.candidate.deployment, outcome)
        router.observe(self.grant.order.payer.workspace_id, self.plan, attempt.candidate, outcome)


def is_good(status: str, error: AppError | None) -> bool | None:
    """Whether an attempt that ended so speaks for its provider; None where it says nothing."""
    if status == "succeeded":
        return True
    its_fault = isinstance(error, ProviderError) and not isinstance(error, NOT_ITS_FAULT)
    return False if status == "failed" and its_fault else None
