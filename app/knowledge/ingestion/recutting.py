"""A document's chunks by other rules, put in place once they have their vectors."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from app.core.db import Database
from app.core.ids import new_id
from app.inference.embeddings.embedders import Embedders
from app.inference.usage.payer import Payer
from app.knowledge.collections import crud as collections
from app.knowledge.collections import document_crud
from app.knowledge.collections.crud import KIND
from app.knowledge.collections.errors import CollectionNotFound
from app.knowledge.collections.models import Collection, Document
from app.knowledge.ingestion.beside import Beside
from app.knowledge.ingestion.chunking import drafts_of
from app.knowledge.ingestion.errors import DocumentGone, TooManyChunks
from app.knowledge.ingestion.intake import Intake, Target
from app.knowledge.passages import crud as passages
from app.knowledge.passages.draft import Draft, Ready
from app.knowledge.passages.models import Passage
from app.runs.runs.context import RunContext

PAGE: Final = 50
AT_ONCE: Final = 128
PURPOSE: Final = "knowledge"


class Recutting:
    """Cuts all documents of a collection anew, one after the other."""

    def __init__(
        self, database: Database, intake: Intake, embedders: Embedders, beside: Beside
    ) -> None:
        self._database = database
        self._intake = intake
        self._embedders = embedders
        self._beside = beside

    async def cut(self, ctx: RunContext, collection_id: UUID, chunking: dict[str, Any]) -> int:
        """Returns how many documents were gone through; what comes in meanwhile is cut anew, too.

        A document that was cut so before is left as it is, and so is one that would come to too
        many chunks.
        """
        collection = await self._set_rules(ctx, collection_id, chunking)
        payer = Payer(ctx.workspace_id, ctx.user_id, PURPOSE, run_id=ctx.run_id)
        space = (await self._embedders.of(payer, collection.embedding_model)).name
        after: UUID | None = None
        done = 0
        while page := await self._documents(ctx, collection_id, after):
            for document in page:
                if document.current_version is not None:
                    await self._one(ctx, collection, space, document, document.current_version)
                    done += 1
                after = document.id
            ctx.emit("log", step="chunk", documents=done)
        return done

    async def _set_rules(
        self, ctx: RunContext, collection_id: UUID, chunking: dict[str, Any]
    ) -> Collection:
        async with self._database.unit(ctx.scope) as session:
            found = await collections.lock(session, ctx.workspace_id, collection_id, shared=False)
            if found is None:
                raise CollectionNotFound
            found.chunking = chunking
            return found

    async def _documents(
        self, ctx: RunContext, collection_id: UUID, after: UUID | None
    ) -> Sequence[Document]:
        async with self._database.unit(ctx.scope) as session:
            return await document_crud.living(session, ctx.workspace_id, collection_id, after, PAGE)

    async def _one(
        self,
        ctx: RunContext,
        collection: Collection,
        space: str,
        document: Document,
        number: int,
    ) -> None:
        target = Target(document.id, number, is_own=False)
        try:
            parsed = await self._intake.read(ctx, target)
        except DocumentGone:
            return
        title = parsed.title or document.name
        try:
            drafts = await asyncio.to_thread(drafts_of, parsed, collection.chunking, title, number)
        except TooManyChunks as error:
            ctx.emit("log", step="chunk", left_as_it_is=document.id, reason=error.code)
            return
        fresh = await self._fresh(ctx, collection, document, drafts)
        for start in range(0, len(fresh), AT_ONCE):
            batch = fresh[start : start + AT_ONCE]
            model = collection.embedding_model
            await self._beside.keep(ctx, "chunk", collection.id, space, model, batch)
        ids: dict[bytes, list[UUID]] = defaultdict(list)
        for passage in fresh:
            ids[passage.content_sha256].append(passage.id)
        await self._intake.replace(ctx, target, drafts, Ready(space, ids))

    async def _fresh(
        self,
        ctx: RunContext,
        collection: Collection,
        document: Document,
        drafts: Sequence[Draft],
    ) -> list[Passage]:
        """Passages, not stored, for the drafts that say what none of the document's says."""
        async with self._database.unit(ctx.scope) as session:
            found = await passages.of_subject(session, ctx.workspace_id, KIND, document.id)
        spare: dict[bytes, int] = defaultdict(int)
        for passage in found:
            spare[passage.content_sha256] += 1
        fresh = []
        for draft in drafts:
            spare[draft.sha256] -= 1
            if spare[draft.sha256] < 0:
                fresh.append(_passage(ctx, collection, document, draft))
        return fresh


def _passage(ctx: RunContext, collection: Collection, document: Document, draft: Draft) -> Passage:
    return Passage(
        id=new_id(),
        workspace_id=ctx.workspace_id,
        kind=KIND,
        subject_id=document.id,
        parent_id=collection.id,
        title=draft.title,
        heading=draft.heading,
        text=draft.text,
        content_sha256=draft.sha256,
    )
