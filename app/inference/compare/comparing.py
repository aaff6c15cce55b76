"""The work of a comparison: every candidate is asked at once, and fails for itself alone."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.core.errors import AppError, InternalError
from app.core.log import get_logger
from app.inference.calls.calls import Calls
from app.inference.calls.heard import Heard, continued
from app.inference.calls.order import Order
from app.inference.calls.remembering import access_of
from app.inference.calls.seam import Seam
from app.inference.calls.totals import Total
from app.inference.compare import crud
from app.inference.compare.candidate import Answer
from app.inference.compare.errors import NothingAnswered
from app.inference.compare.models import Comparison
from app.inference.compare.prompt import Prompt
from app.inference.compare.told import Told, told_of
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest
from app.inference.usage.payer import payer_of
from app.runs.events.errors import RunOutputTooLarge
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

log = get_logger(__name__)

KIND: Final = "comparison"
# How often what the models say is written to the log.
FLUSH_SECONDS: Final = 0.025


class Comparing:
    """`expect` hands over the orders of a comparison whose request is at hand."""

    kind = KIND

    def __init__(self, database: Database, calls: Calls) -> None:
        self._database = database
        self._calls = calls
        self._orders: dict[UUID, Sequence[Order]] = {}
        # By the attempt at the run: what it leaves goes with it, also where it is never settled.
        self._answers: WeakKeyDictionary[RunContext, list[Answer]] = WeakKeyDictionary()

    def expect(self, run_id: UUID, orders: Sequence[Order]) -> None:
        self._orders[run_id] = orders

    async def run(self, ctx: RunContext) -> None:
        """Ask all of them; raises NothingAnswered where none has answered."""
        prompt, answers = await self._answers_of(ctx)
        self._answers[ctx] = answers
        tasks = [
            asyncio.create_task(self._have_answered(ctx, prompt, answer), name=answer.label)
            for answer in answers
            if answer.told.end is None
        ]
        flushing = asyncio.create_task(flush_again_and_again(ctx, answers))
        asking = asyncio.gather(*tasks)
        try:
            # Flushing ends only where the log takes no more: then nobody is asked on.
            either: set[asyncio.Future[Any]] = {asking, flushing}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if flushing.done():
                flushing.result()
            await asking
        finally:
            asking.cancel()
            flushing.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(asking, *tasks, flushing, return_exceptions=True)
        failed = [answer for answer in answers if answer.read("failed")["status"] == "failed"]
        if len(failed) == len(answers):
            raise NothingAnswered("Each candidate tells its own error.") from failed[0].error

    async def _have_answered(self, ctx: RunContext, prompt: Prompt, answer: Answer) -> None:
        try:
            try:
                await self._ask(ctx, prompt, answer)
            finally:
                answer.flush(ctx)
        except RunOutputTooLarge:
            raise
        except AppError as error:
            answer.end(ctx, error)
        except Exception:
            log.exception("candidate_failed", label=answer.label)
            answer.end(ctx, InternalError("The server's log has the cause."))
        else:
            answer.end(ctx)

    async def _ask(self, ctx: RunContext, prompt: Prompt, answer: Answer) -> None:
        partial = Heard(text=answer.told.text)

        def build(target: Target) -> ChatRequest:
            return continued(prompt.request(target), partial)

        grant = await self._calls.admit(answer.order)
        telling = self._calls.telling(grant, build)
        try:
            begun = answer.begin(ctx, telling.course)
        except RunOutputTooLarge as error:
            telling.course.fail(telling.course.attempt, error)
            raise
        async with aclosing(telling.stream()) as events:
            async for event in events:
                if isinstance(event, Seam):
                    answer.mark(ctx, event, begun)
                else:
                    answer.take(ctx, event)

    async def _answers_of(self, ctx: RunContext) -> tuple[Prompt, list[Answer]]:
        """The candidates, as far as a process before has brought them."""
        async with self._database.unit(ctx.scope) as session:
            found = await restorable.find(session, Comparison, ctx.workspace_id, comparison_of(ctx))
        if found is None:
            raise AppError("The comparison of this run is gone.")
        prompt = Prompt(found.messages, found.parameters)
        told = told_of(ctx.history, [one["label"] for one in found.candidates])
        before = await self._settle_lost(ctx, told) if ctx.history else {}
        orders = self._orders.pop(ctx.run_id, None) or [
            order_of_lost(ctx, prompt, one["asked"]) for one in found.candidates
        ]
        return prompt, [
            Answer(
                one["label"],
                one["asked"],
                one["message_id"],
                order,
                told[one["label"]],
                before.get(one["label"], Total()),
            )
            for one, order in zip(found.candidates, orders, strict=True)
        ]

    async def _settle_lost(self, ctx: RunContext, told: dict[str, Told]) -> dict[str, Total]:
        """Settle what a dead process left open, and say what each candidate had used by then."""
        texts = {one.requests[-1]: one.since_call for one in told.values() if one.requests}
        await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, texts)
        async with self._database.unit(ctx.scope) as session:
            return {
                label: await spent_of(session, ctx.workspace_id, one.requests)
                for label, one in told.items()
                if one.requests
            }

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Keep every answer, whole or in part, with what it cost."""
        answers = self._answers.get(ctx)
        if answers is None:
            _, answers = await self._answers_of(ctx)
        total = sum((answer.total for answer in answers), Total())
        comparison = await restorable.find(
            session, Comparison, ctx.workspace_id, comparison_of(ctx), for_update=True
        )
        if comparison is not None:
            comparison.candidates = [answer.read(ending.status) for answer in answers]
            comparison.status, comparison.ended_at = ending.status, now()
        result = {"comparison_id": str(comparison_of(ctx))}
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)


async def flush_again_and_again(ctx: RunContext, answers: Sequence[Answer]) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        for answer in answers:
            answer.flush(ctx)


def comparison_of(ctx: RunContext) -> UUID:
    return UUID(ctx.input["comparison_id"])


def order_of_lost(ctx: RunContext, prompt: Prompt, asked: str) -> Order:
    """The order of a candidate whose request is gone with its process: bound as it was."""
    return order_of(access_of(ctx), ctx.run_id, prompt, asked)


def order_of(access: Access, run_id: UUID, prompt: Prompt, asked: str) -> Order:
    """What one candidate is asked, and who pays."""
    payer = payer_of(access, "compare", run_id)
    return Order(payer, prompt.question(asked), access.rules, access)


async def spent_of(session: AsyncSession, workspace_id: UUID, request_ids: Sequence[UUID]) -> Total:
    """What these requests came to, as the ledger has it."""
    calls = await crud.calls_of(session, workspace_id, request_ids)
    total = Total()
    for call in calls:
        total += Total(call.input_tokens, call.output_tokens, call.cost_usd)
    return total
