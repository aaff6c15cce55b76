"""Vectors beside those that are searched, until they take their place."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from app.core.db import Database
from app.core.errors import AppError
from app.core.vectors import VectorsAway
from app.knowledge.ingestion import reindex_crud as crud
from app.knowledge.ingestion.steps import pause_after
from app.knowledge.passages.indexer import Indexer
from app.knowledge.passages.models import Passage
from app.runs.runs import service as runs
from app.runs.runs.context import RunContext


class Beside:
    """Each vector is noted before it is kept, so that none is left of a run that comes to nothing.

    `room` is shared with all that embeds in this process.
    """

    def __init__(self, database: Database, indexer: Indexer, room: asyncio.Semaphore) -> None:
        self._database = database
        self._indexer = indexer
        self._room = room

    async def keep(
        self,
        ctx: RunContext,
        name: str,
        collection_id: UUID,
        space: str,
        model: str | None,
        passages: Sequence[Passage],
    ) -> None:
        """Waits while the vector store or the model is away; raises what else the model raises."""
        ids = [each.id for each in passages]
        async with self._database.unit(ctx.scope) as session:
            await runs.expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
            await crud.note(session, ctx.workspace_id, collection_id, space, ids)
        tried = 0
        while (reason := await self._embedded(ctx, model, passages)) is not None:
            tried += 1
            pause = pause_after(tried)
            ctx.emit("step.retrying", step=name, reason=reason, retry_in=pause)
            await asyncio.sleep(pause)
        async with self._database.unit(ctx.scope) as session:
            await crud.mark_kept(session, ctx.workspace_id, space, ids)

    async def _embedded(
        self, ctx: RunContext, model: str | None, passages: Sequence[Passage]
    ) -> str | None:
        """None once it is done; else why it could not be, for now."""
        try:
            async with self._room:
                await self._indexer.vectors_of(ctx.workspace_id, ctx.user_id, model, passages)
        except VectorsAway:
            return "vectors_away"
        except AppError as error:
            if not error.retryable:
                raise
            return error.code
        return None
