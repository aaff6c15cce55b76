"""Waiting until a document is found by meaning, too."""

import asyncio
from typing import Final
from uuid import UUID

from app.core.db import Database
from app.knowledge.collections.crud import KIND
from app.knowledge.ingestion import crud
from app.knowledge.ingestion.errors import NotEmbedded
from app.knowledge.ingestion.steps import patiently, pause_after
from app.knowledge.passages.indexer import Indexer
from app.runs.runs.context import RunContext

# What no waiting mends; whoever mends it has the document taken in again.
LASTING: Final = frozenset(
    ("embedding_model_unknown", "embedder_missing", "embedding_length_changed")
)
# Between one look and the next; longer and longer where another one embeds the last passages.
GLANCE, LONGEST_GLANCE = 0.05, 2.0
# As many tries at first are told; then only those that fail for another reason.
TOLD_TRIES: Final = 5


class Embedding:
    """Embeds documents' passages in turn with others; `room` is shared by a process's runs."""

    def __init__(self, database: Database, indexer: Indexer, room: asyncio.Semaphore) -> None:
        self._database = database
        self._indexer = indexer
        self._room = room

    async def finish(self, ctx: RunContext, document_id: UUID, name: str) -> int:
        """Returns how many passages have their vectors, once all have.

        While the model or the vector store is away it waits, as long as that takes, and holds
        nobody up. Raises NotEmbedded where no waiting would mend it.
        """
        tried, told, left, glance = 0, "", -1, GLANCE
        while True:
            waiting, error = await patiently(ctx, name, lambda: self._some(ctx, document_id))
            if not waiting:
                return await self._count(ctx, document_id)
            if error in LASTING:
                raise NotEmbedded(f"The collection's embedding model: `{error}`.")
            if error is None:
                glance = GLANCE if waiting != left else min(2 * glance, LONGEST_GLANCE)
                if waiting != left:
                    ctx.emit("log", step=name, waiting=waiting)
                tried, left = 0, waiting
                await asyncio.sleep(glance)
                continue
            tried += 1
            pause = pause_after(tried)
            if error != told or tried <= TOLD_TRIES:
                ctx.emit("step.retrying", step=name, reason=error, retry_in=pause)
                told = error
            await asyncio.sleep(pause)

    async def _some(self, ctx: RunContext, document_id: UUID) -> tuple[int, str | None]:
        async with self._room:
            async with self._database.unit(ctx.scope) as session:
                await crud.hurry(session, ctx.workspace_id, document_id)
            return await self._indexer.embed_subject(ctx.workspace_id, KIND, document_id)

    async def _count(self, ctx: RunContext, document_id: UUID) -> int:
        async with self._database.unit(ctx.scope) as session:
            return await crud.count(session, ctx.workspace_id, document_id)
