"""The run that indexes a collection anew while it is searched as before.

First every passage gets its vector of the new model beside the old one; then, in one transaction,
the collection and its passages change over. New chunks replace a document's old ones in one
transaction too, once they have their vectors. At no moment is there less to find than before.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from app.core import restorable
from app.core.db import AsyncSession, Database
from app.inference.embeddings.embedders import Embedders
from app.inference.usage.payer import Payer
from app.knowledge.collections import crud as collections
from app.knowledge.collections.errors import CollectionNotFound
from app.knowledge.collections.models import Collection
from app.knowledge.ingestion import reindex_crud as crud
from app.knowledge.ingestion.beside import Beside
from app.knowledge.ingestion.recutting import AT_ONCE, PURPOSE, Recutting
from app.knowledge.ingestion.steps import patiently, step
from app.knowledge.passages.models import Passage
from app.runs.runs import service as runs
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

KIND: Final = "reindex"


class Reindexing:
    """Changes the embedding model of a collection, its chunking, or both."""

    kind = KIND

    def __init__(
        self, database: Database, embedders: Embedders, beside: Beside, recutting: Recutting
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._beside = beside
        self._recutting = recutting

    async def run(self, ctx: RunContext) -> None:
        """Go on with what has no new vector yet; what has changed over stays so."""
        collection_id = UUID(ctx.input["collection_id"])
        model, chunking = ctx.input["model"], ctx.input["chunking"]
        collection = await self._collection(ctx, collection_id)
        if ctx.input["moves"] and collection.embedding_model != model:
            async with step(ctx, "embed") as counts:
                counts["passages"] = await self._move(ctx, collection_id, model)
        if chunking is not None:
            async with step(ctx, "chunk") as counts:
                counts["documents"] = await self._recutting.cut(ctx, collection_id, chunking)

    async def _move(self, ctx: RunContext, collection_id: UUID, model: str | None) -> int:
        """Returns how many passages the collection has; all have changed over."""
        payer = Payer(ctx.workspace_id, ctx.user_id, PURPOSE, run_id=ctx.run_id)
        space = (await self._embedders.of(payer, model)).name
        moved = 0
        after: UUID | None = None
        while True:
            rest = partial(self._unmoved, ctx, collection_id, after)
            if batch := await patiently(ctx, "embed", rest):
                await self._beside.keep(ctx, "embed", collection_id, space, model, batch)
                moved, after = moved + len(batch), batch[-1].id
                ctx.emit("log", step="embed", moved=moved)
                continue
            count = await patiently(
                ctx, "embed", lambda: self._flip(ctx, collection_id, model, space)
            )
            if count is not None:
                return count
            after = None  # what was put in meanwhile

    async def _unmoved(
        self, ctx: RunContext, collection_id: UUID, after: UUID | None
    ) -> Sequence[Passage]:
        async with self._database.unit(ctx.scope) as session:
            return await crud.unmoved(session, ctx.workspace_id, collection_id, after, AT_ONCE)

    async def _flip(
        self, ctx: RunContext, collection_id: UUID, model: str | None, space: str
    ) -> int | None:
        """Change over, with nothing put in meanwhile; None where something was, just before."""
        async with self._database.unit(ctx.scope) as session:
            await runs.expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
            held = await collections.lock(session, ctx.workspace_id, collection_id, shared=False)
            if held is None:
                raise CollectionNotFound
            if await crud.unmoved(session, ctx.workspace_id, collection_id, None, 1):
                return None
            await crud.flip(session, ctx.workspace_id, collection_id, model, space)
            held.embedding_model = model
            return await crud.count(session, ctx.workspace_id, collection_id)

    async def _collection(self, ctx: RunContext, collection_id: UUID) -> Collection:
        async with self._database.unit(ctx.scope) as session:
            found = await restorable.find(session, Collection, ctx.workspace_id, collection_id)
        if found is None or found.deleted_at is not None:
            raise CollectionNotFound
        return found

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:  # noqa: ARG002 - the same for all
        """Have the vectors that came to be nobody's removed."""
        collection_id = UUID(ctx.input["collection_id"])
        await crud.forget(session, ctx.workspace_id, collection_id)
        collection = await restorable.find(
            session, Collection, ctx.workspace_id, collection_id, for_update=True
        )
        result: dict[str, Any] = {"collection_id": str(collection_id)}
        if collection is not None:
            if collection.reindex_run_id == ctx.run_id:
                collection.reindex_run_id = None
            result["embedding_model"] = collection.embedding_model
            result["chunking"] = collection.chunking
        return Settlement(result)
