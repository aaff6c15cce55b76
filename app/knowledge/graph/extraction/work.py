"""The work of an extraction: passage by passage, each in one transaction, none of them twice."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from typing import Any, Final
from uuid import UUID

from app.core.db import AsyncSession, Database, Scope
from app.core.log import get_logger
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.remembering import access_of
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest
from app.inference.routing.plan import Question
from app.inference.usage import service as ledger
from app.inference.usage.payer import payer_of
from app.inference.usage.service import estimate_input
from app.knowledge.graph.extraction import crud
from app.knowledge.graph.extraction.asking import MOST_OUTPUT, Asked, Unreadable
from app.knowledge.graph.extraction.naming import as_concepts
from app.knowledge.graph.extraction.rules.reading import LONGEST, read
from app.knowledge.graph.extraction.service import KIND, Plan, plan_in
from app.knowledge.graph.extraction.terms import Detecting, Terms, entry_of, terms_of
from app.knowledge.graph.findings import Findings
from app.knowledge.graph.telling import tell
from app.knowledge.ingestion.steps import patiently, step
from app.knowledge.passages.models import Passage
from app.runs.runs.context import RunContext
from app.runs.runs.service import expect_held
from app.runs.runs.work import Ending, Settlement

log = get_logger(__name__)

STEP: Final = "extract"
ENTRY: Final = "entry"
AT_ONCE: Final = 128
# Of one request to a model.
MOST_PASSAGES, MOST_CHARACTERS = 8, 8_000
MOST_REQUESTS: Final = 4
UNREADABLE: Final = ":unreadable"


class Extraction:
    """Carries out extractions."""

    kind = KIND

    def __init__(self, database: Database, calls: Calls, detecting: Detecting) -> None:
        self._database = database
        self._calls = calls
        self._detecting = detecting

    async def run(self, ctx: RunContext) -> None:
        """Read what was not read like this; raises what models and budgets raise."""
        plan = plan_in(ctx.input["plan"])
        if ctx.attempt > 1:
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
        async with self._database.unit(ctx.scope) as session:
            terms = await terms_of(session, self._detecting, ctx.workspace_id, plan.dictionary_ids)
            unread = plan.unread(ctx.workspace_id, ctx.user_id)
            total, _ = await crud.count(session, unread)
        after: UUID | None = None
        async with step(ctx, STEP) as counts:
            done: Counter[str] = Counter(total=total)
            while True:
                async with self._database.unit(ctx.scope) as session:
                    passages = await crud.next_of(session, unread, after, AT_ONCE)
                if not passages:
                    break
                after = passages[-1].id
                await self._read(ctx, plan, terms, passages, done)
                ctx.emit("log", step=STEP, **done)
            counts.update(done)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """What it came to is told by its log; its cost by the ledger."""
        if ending.status != "completed":
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
        await self._calls.flush()
        total = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
        plan = ctx.input["plan"]
        result = {"parent_ids": plan["parent_ids"], "model": plan["model"]}
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)

    async def _read(
        self,
        ctx: RunContext,
        plan: Plan,
        terms: Terms,
        passages: Sequence[Passage],
        done: Counter[str],
    ) -> None:
        if plan.model is None:
            for passage in passages:
                await self._tell(ctx, plan, passage, await self._by_rules(terms, passage), done)
            return
        batches = batched(passages)
        for start in range(0, len(batches), MOST_REQUESTS):
            some = batches[start : start + MOST_REQUESTS]
            await together([self._by_model(ctx, plan, terms, each, done) for each in some])

    async def _by_rules(self, terms: Terms, passage: Passage) -> Findings:
        text = passage.text[:LONGEST]
        entry = None
        if passage.kind == ENTRY:
            async with self._database.unit(Scope(passage.workspace_id)) as session:
                entry = await entry_of(session, terms, passage.subject_id)
        found = await terms.find(text)
        return read(text, found, language=passage.config, entry=entry)

    async def _by_model(
        self,
        ctx: RunContext,
        plan: Plan,
        terms: Terms,
        passages: Sequence[Passage],
        done: Counter[str],
    ) -> None:
        """Ask for some passages; where the answer cannot be read, for each half, then for none."""
        asked = Asked([each.text for each in passages], plan.kinds)
        try:
            every = asked.read(await patiently(ctx, STEP, lambda: self._ask(ctx, plan, asked)))
        except Unreadable:
            if len(passages) == 1:
                done["unreadable"] += 1
                await self._tell(ctx, plan, passages[0], Findings(), done, UNREADABLE)
                return
            half = len(passages) // 2
            for part in (passages[:half], passages[half:]):
                await self._by_model(ctx, plan, terms, part, done)
            return
        for passage, found in zip(passages, every, strict=True):
            await self._tell(ctx, plan, passage, await as_concepts(terms, found), done)

    async def _ask(self, ctx: RunContext, plan: Plan, asked: Asked) -> str:
        access = access_of(ctx)
        tokens = estimate_input(asked.request("").messages)
        question = Question(plan.model, tokens, MOST_OUTPUT)
        order = Order(payer_of(access, KIND, ctx.run_id), question, access.rules, access)

        def build(target: Target) -> ChatRequest:
            return asked.request(target.model)

        return (await self._calls.complete(order, build)).text

    async def _tell(
        self,
        ctx: RunContext,
        plan: Plan,
        passage: Passage,
        findings: Findings,
        done: Counter[str],
        mark: str = "",
    ) -> None:
        async def write() -> bool:
            async with self._database.unit(ctx.scope) as session:
                await expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
                return await tell(
                    session,
                    ctx.workspace_id,
                    passage.id,
                    plan.extractor,
                    plan.fingerprint + mark,
                    findings,
                )

        if await patiently(ctx, STEP, write):
            done["passages"] += 1
            done["entities"] += len(findings.mentions)
            done["relations"] += len(findings.ties)
            done["dropped"] += findings.dropped


async def together(acts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do these at once; raises the first error, with none of them left under way."""
    tasks = [asyncio.create_task(act) for act in acts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def batched(passages: Sequence[Passage]) -> list[list[Passage]]:
    """Passages as they are asked for together."""
    batches: list[list[Passage]] = []
    size = 0
    for passage in passages:
        length = len(passage.text)
        if batches and len(batches[-1]) < MOST_PASSAGES and size + length <= MOST_CHARACTERS:
            batches[-1].append(passage)
            size += length
        else:
            batches.append([passage])
            size = length
    return batches
