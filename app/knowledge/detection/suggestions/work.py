"""The run that looks through a dictionary for what its entries have in common."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.core.auth import Permission
from app.core.clock import now
from app.core.db import AsyncSession, on_commit
from app.core.errors import AppError
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.inference.calls.remembering import access_of
from app.inference.embeddings.embedder import Embedder
from app.knowledge.detection.policies import crud as policies
from app.knowledge.detection.senses.vectors import embed
from app.knowledge.detection.suggestions import crud, service
from app.knowledge.detection.suggestions.comparing import Comparison
from app.knowledge.detection.suggestions.items import Item, Suggested, item_of
from app.knowledge.detection.suggestions.models import DictionarySuggestion
from app.knowledge.dictionary import store
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

if TYPE_CHECKING:
    import numpy

log = get_logger(__name__)

# Entries of one scan, the oldest first: some 2 KB each while it lasts.
MOST_ENTRIES: Final = 50_000
_PAGE: Final = 500
_BATCH: Final = 128


class Scanning:
    """Compares every entry of a dictionary with the others; carried out again, it does no harm."""

    kind = service.KIND

    def __init__(self, kernel: Kernel, embedder: Embedder) -> None:
        self._kernel = kernel
        self._database = kernel.database
        self._embedder = embedder
        # Each holds a whole dictionary in memory.
        self._one_at_a_time = asyncio.Semaphore(1)

    async def run(self, ctx: RunContext) -> None:
        async with self._one_at_a_time:
            await self._scan(ctx)

    async def _scan(self, ctx: RunContext) -> None:
        dictionary_id, began = UUID(ctx.input["dictionary_id"]), now()
        ctx.emit("step.started", step="read")
        items = await self._items(ctx, dictionary_id)
        ctx.emit("step.completed", step="read", counts={"entries": len(items)})
        vectors = await self._vectors(ctx, items)
        ctx.emit("step.started", step="compare")
        comparison = await asyncio.to_thread(Comparison, items, vectors)
        counts = {"suggested": 0, "applied": 0}
        for start in range(0, len(items), _PAGE):
            end = min(len(items), start + _PAGE)
            found = await asyncio.to_thread(comparison.suggest, start, end)
            counts["suggested"] += len(found)
            counts["applied"] += await self._keep(ctx, dictionary_id, found)
            ctx.emit("log", step="compare", done=end, total=len(items))
        async with self._database.unit(ctx.scope) as session:
            await crud.drop_stale(session, ctx.workspace_id, dictionary_id, began)
        ctx.emit("step.completed", step="compare", counts=counts)

    async def settle(
        self,
        ctx: RunContext,
        session: AsyncSession,  # noqa: ARG002 - the protocol's
        ending: Ending,  # noqa: ARG002 - the protocol's
    ) -> Settlement:
        return Settlement({"dictionary_id": ctx.input["dictionary_id"]})

    async def _items(self, ctx: RunContext, dictionary_id: UUID) -> list[Item]:
        items: list[Item] = []
        after: UUID | None = None
        while len(items) < MOST_ENTRIES:
            async with self._database.unit(ctx.scope) as session:
                page = await store.entries_after(
                    session,
                    ctx.workspace_id,
                    dictionary_id,
                    after=after,
                    limit=_PAGE,
                    statuses=("draft", "proposed", "approved"),
                )
            if not page:
                return items
            items += await asyncio.to_thread(list, map(item_of, page))
            after = page[-1].id
        ctx.emit("log", step="read", bounded=True, most=MOST_ENTRIES)
        return items[:MOST_ENTRIES]

    async def _vectors(
        self, ctx: RunContext, items: Sequence[Item]
    ) -> "list[numpy.ndarray] | None":
        """What each entry says as a vector; None where no model can be asked."""
        ctx.emit("step.started", step="embed")
        vectors: list[numpy.ndarray] = []
        try:
            for start in range(0, len(items), _BATCH):
                texts = [item.text for item in items[start : start + _BATCH]]
                vectors += await embed(self._embedder, texts)
                ctx.emit("log", step="embed", done=len(vectors), total=len(items))
        except AppError as error:
            ctx.emit("step.failed", step="embed", error=error.problem())
            return None
        ctx.emit("step.completed", step="embed", counts={"entries": len(vectors)})
        return vectors

    async def _keep(self, ctx: RunContext, dictionary_id: UUID, found: Sequence[Suggested]) -> int:
        """Write suggestions down, and apply what the policy takes; returns how many these are."""
        if not found:
            return 0
        workspace_id = ctx.workspace_id
        async with self._database.unit(ctx.scope) as session:
            await crud.put(session, workspace_id, dictionary_id, ctx.run_id, found)
            [policy] = (
                await policies.of_dictionaries(session, workspace_id, [dictionary_id])
            ).values() or [None]
            if policy is None or policy.accept_fields_from is None:
                return 0
            least = policy.accept_fields_from
            entries = {each.entry_id for each in found}
            pending = await crud.pending_fields_from(
                session, workspace_id, ctx.run_id, entries, least
            )
            on_commit(session, lambda: self._kernel.nudge("passages"))
            return sum([await _applied(ctx, session, each, least) for each in pending])


async def _applied(
    ctx: RunContext, session: AsyncSession, suggestion: DictionarySuggestion, least: float
) -> bool:
    """Take a subject field by policy; where its entry cannot be changed, a person decides.

    What is approved stays approved: its fields wait for a person, unless the one who started the
    scan may approve.
    """
    approves = bool(ctx.input["approves"])
    own = {Permission.DICTIONARY_WRITE, *([Permission.DICTIONARY_APPROVE] if approves else [])}
    access = replace(access_of(ctx), permissions=frozenset(own))
    concepts = await store.entries(session, ctx.workspace_id, [suggestion.entry_id])
    if not concepts or (concepts[0].entry.status == "approved" and not approves):
        return False
    try:
        async with session.begin_nested():
            comment = f"By policy: suggested with {suggestion.score:.2f}."
            await service.add_field(session, access, suggestion, comment)
            await service.decide(session, access, suggestion, "auto_applied", {"from": least})
    except AppError as error:
        log.info("suggestion_not_applied", reason=error.code)
        return False
    return True
