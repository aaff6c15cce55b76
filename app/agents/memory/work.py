"""The work of drawing facts: one question to a model, and one transaction for what it found."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from app.agents.memory import extraction_crud as crud
from app.agents.memory import keeping, settings_crud
from app.agents.memory.asking import MOST_QUESTIONS, Drawn, Words, read, request_of
from app.agents.memory.errors import ExtractionBudgetSpent, ExtractionOff, ExtractionUnreadable
from app.agents.memory.extraction import RUN_KIND
from app.agents.memory.facts import Author, Fact, Place, Said
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.inference.calls.calls import Calls
from app.inference.calls.own_calls import OwnCalls
from app.inference.calls.remembering import access_of
from app.inference.usage import service as ledger
from app.inference.usage.payer import payer_of
from app.runs.runs.context import RunContext
from app.runs.runs.service import expect_held
from app.runs.runs.work import Ending, Settlement


class Remembering:
    """Draws facts from what people said."""

    kind = RUN_KIND

    def __init__(self, database: Database, calls: Calls, own: OwnCalls) -> None:
        self._database = database
        self._calls = calls
        self._own = own

    async def run(self, ctx: RunContext) -> None:
        """Raises ExtractionOff, ExtractionBudgetSpent and ExtractionUnreadable.

        And what models raise.
        """
        if ctx.attempt > 1:
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
        async with self._database.unit(ctx.scope) as session:
            made = await crud.of_run(session, ctx.workspace_id, ctx.run_id)
            if made is None or made.applied_at is not None:
                return
            await self._expect_budget(session, ctx)
        words = [
            Words(UUID(each["id"]) if each["id"] else None, each["text"])
            for each in ctx.input["words"]
        ]
        drawn, dropped = await self._asked(ctx, words)
        async with self._database.unit(ctx.scope) as session:
            await expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
            stored = await self._store(session, ctx, drawn, dropped)
        ctx.emit("log", found=len(drawn), stored=stored, dropped=dropped)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """What was found is told by the extraction; its cost by the ledger."""
        if ending.status != "completed":
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
        await self._calls.flush()
        total = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
        made = await crud.of_run(session, ctx.workspace_id, ctx.run_id)
        result = {"found": made.found, "stored": made.stored} if made else {}
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)

    async def _expect_budget(self, session: AsyncSession, ctx: RunContext) -> None:
        """Raise where it was turned off since, and where the day's budget is spent.

        What other runs under way may take counts as spent.
        """
        settings = await settings_crud.get(session, ctx.workspace_id)
        if settings is None or not settings.enabled:
            raise ExtractionOff
        begin = now().replace(hour=0, minute=0, second=0, microsecond=0)
        usd, tokens = await settings_crud.spent_since(session, ctx.workspace_id, self.kind, begin)
        over_usd = settings.daily_usd is not None and usd >= settings.daily_usd
        # This run is one of those under way.
        over_tokens = settings.daily_tokens is not None and tokens > settings.daily_tokens
        if over_usd or over_tokens:
            wait = (begin + timedelta(days=1) - now()).total_seconds()
            raise ExtractionBudgetSpent(retry_after=wait)

    async def _asked(self, ctx: RunContext, words: list[Words]) -> tuple[list[Drawn], int]:
        """What a model finds; asked once more where its answer cannot be read."""
        access = access_of(ctx)
        payer = payer_of(access, self.kind, ctx.run_id)
        for question in range(1, MOST_QUESTIONS + 1):
            asked = request_of(words, "", now())
            answer = await self._own.complete(payer, ctx.input["model"], asked, access=access)
            try:
                return read(answer.text, words)
            except ExtractionUnreadable:
                if question == MOST_QUESTIONS:
                    raise
        raise AssertionError("unreachable")

    async def _store(
        self, session: AsyncSession, ctx: RunContext, drawn: list[Drawn], dropped: int
    ) -> int:
        """All of it, or where that was done before nothing."""
        made = await crud.of_run(session, ctx.workspace_id, ctx.run_id, for_update=True)
        settings = await settings_crud.get(session, ctx.workspace_id)
        if made is None or made.applied_at is not None:
            return 0
        author = Author(ctx.workspace_id, ctx.user_id, agents=False)
        status = "proposed" if settings is None or settings.review == "propose" else "active"
        stored = 0
        for each in drawn:
            fact = _fact(each, author, status, ctx.input["origin"])
            _, _, is_new = await keeping.tell(session, author, fact)
            stored += is_new
        made.applied_at, made.found, made.stored = now(), len(drawn), stored
        made.dropped = dropped
        await session.flush()
        return stored


def _fact(drawn: Drawn, author: Author, status: str, heard: dict[str, Any]) -> Fact:
    message_id = drawn.words.id
    origin = {"kind": "message" if message_id else "run", "quote": drawn.quote, **heard}
    if message_id:
        origin["message_id"] = str(message_id)
    said = Said(drawn.text, drawn.subject, drawn.predicate, drawn.object, drawn.confidence, status)
    moment = now()
    start = min(drawn.since or moment, moment)
    return Fact(Place("user", author.user_id), said, start, kind=drawn.kind, origin=origin)
