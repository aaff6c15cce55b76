"""Gives passages their vectors, and takes those of deleted ones away: later, but surely.

What has no vector yet is found by its words. Where the embedding model or the vector store is
away, passages wait; they are tried again at growing pauses, and the first success goes on at once.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.core.clock import now
from app.core.db import SYSTEM, Database, Scope
from app.core.errors import AppError
from app.core.jobs import Job
from app.core.log import get_logger
from app.core.vectors import VectorsAway
from app.identity.members import service as members
from app.inference.embeddings.embedders import Embedders
from app.inference.usage.payer import Payer
from app.knowledge.passages import crud
from app.knowledge.passages.draft import embedded
from app.knowledge.passages.models import Passage
from app.knowledge.vectors.index import Point, VectorIndex

log = get_logger(__name__)

AT_ONCE: Final = 128
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
PURPOSE: Final = "knowledge"
JOB: Final = "passages"


class Indexer:
    """The way of passages into the vector index, in every process."""

    def __init__(self, database: Database, embedders: Embedders, index: VectorIndex) -> None:
        self._database = database
        self._embedders = embedders
        self._index = index
        self._turn = asyncio.Lock()

    def job(self) -> Job:
        return Job(JOB, timedelta(seconds=10), self.catch_up)

    async def catch_up(self) -> None:
        """Embed and remove until nothing is due; what another call had begun is done by then."""
        async with self._turn:
            done = 1
            while done:
                done = await self.embed_some() + await self.remove_some()

    async def embed_some(self) -> int:
        """Embed the next passages that wait; returns how many were taken up."""
        async with self._database.unit(SYSTEM) as session:
            claimed = await crud.claim_due(session, AT_ONCE)
        if claimed:
            await self._embed(claimed)
        return len(claimed)

    async def embed_subject(
        self, workspace_id: UUID, kind: str, subject_id: UUID
    ) -> tuple[int, str | None]:
        """Embed some of one subject's passages now; returns how many still wait, and why."""
        of_it = (
            Passage.workspace_id == workspace_id,
            Passage.kind == kind,
            Passage.subject_id == subject_id,
        )
        async with self._database.unit(SYSTEM) as session:
            claimed = await crud.claim_due(session, AT_ONCE, *of_it)
        error = await self._embed(claimed) if claimed else None
        async with self._database.unit(Scope(workspace_id)) as session:
            return await crud.count_waiting(session, workspace_id, kind, subject_id), error

    async def vectors_of(
        self, workspace_id: UUID, user_id: UUID, model: str | None, passages: Sequence[Passage]
    ) -> str:
        """Embed passages with a model and keep the vectors beside theirs; returns the space.

        Raises AppError where the model cannot be asked, and VectorsAway.
        """
        embedder = await self._embedders.cached(Payer(workspace_id, user_id, PURPOSE), model)
        texts = [embedded(each.title, each.heading, each.text) for each in passages]
        vectors = await embedder.embed(texts)
        points = [
            Point(each.id, vector, each.kind, each.subject_id, each.parent_id, each.user_id)
            for each, vector in zip(passages, vectors, strict=True)
        ]
        if await self._index.upsert(workspace_id, embedder.name, points):
            async with self._database.unit(SYSTEM) as session:
                await crud.embed_again(session, embedder.name)
        return embedder.name

    async def _embed(self, passages: Sequence[Passage]) -> str | None:
        """Passages of one workspace, payer and model; returns why it could not be done."""
        first = passages[0]
        try:
            payer_id = await self._payer_of(first)
            space = await self.vectors_of(
                first.workspace_id, payer_id, first.embedding_model, passages
            )
        except (AppError, VectorsAway) as error:
            reason = error.code if isinstance(error, AppError) else "vectors_away"
            await self._postpone(passages, reason)
            return reason
        before = {each.id: each.space for each in passages}
        async with self._database.unit(Scope(first.workspace_id)) as session:
            kept = set(await crud.mark_embedded(session, passages, space))
            for each in passages:
                old = before[each.id] if each.id in kept else space
                if old is not None and (each.id not in kept or old != space):
                    await crud.add_removals(session, each.workspace_id, old, [each.id])
        return None

    async def _payer_of(self, passage: Passage) -> UUID:
        """Whoever had it kept, as long as they are a member; then an owner of the workspace."""
        workspace_id, creator_id = passage.workspace_id, passage.created_by_id
        if passage.embedding_model is None:  # the local one: nobody pays
            return creator_id
        async with self._database.unit(SYSTEM) as session:
            if await members.is_member(session, workspace_id, creator_id):
                return creator_id
            return next(iter(await members.owners(session, workspace_id)), creator_id)

    async def _postpone(self, passages: Sequence[Passage], reason: str) -> None:
        attempts = max(each.attempts for each in passages)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts, 10))
        log.info("passages_wait", reason=reason, passages=len(passages), seconds=pause.seconds)
        async with self._database.unit(Scope(passages[0].workspace_id)) as session:
            await crud.postpone(session, passages, now() + pause, reason)

    async def remove_some(self) -> int:
        """Take the vectors of some deleted passages away; returns how many."""
        async with self._database.unit(SYSTEM) as session:
            removals = await crud.due_removals(session, AT_ONCE)
        if not removals:
            return 0
        first = removals[0]
        ids = [removal.passage_id for removal in removals]
        try:
            await self._index.remove(first.workspace_id, first.space, ids)
        except VectorsAway as error:
            # Claimed for minutes: the next try comes by itself.
            log.info("vectors_wait_to_be_removed", reason=str(error), vectors=len(ids))
            return 0
        async with self._database.unit(SYSTEM) as session:
            await crud.drop_removals(session, first.workspace_id, first.space, ids)
        return len(removals)
