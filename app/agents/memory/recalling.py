"""Recall: what is remembered that may help with a question."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.agents.memory import crud, finding_crud
from app.agents.memory.facts import KIND, Author, Place, author_of, normal
from app.agents.memory.models import Memory, MemoryRevision
from app.agents.memory.ranking import Candidate, Recalled, ranked
from app.agents.memory.service import place_in
from app.agents.memory.timeline import restored
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import Database
from app.core.errors import AppError
from app.inference.usage.payer import Payer
from app.knowledge.search.question import Filters, Question
from app.knowledge.search.searching import Searching

LONGEST_QUESTION: Final = 2_000
# How many are looked at: those told last, and the nearest in meaning.
MOST_LOOKED_AT: Final = 2_000
MOST_FOUND: Final = 100


class Recalling:
    """The recalls of one process."""

    def __init__(self, database: Database, searching: Searching) -> None:
        self._database = database
        self._searching = searching

    async def recall(
        self,
        access: Access,
        scopes: Sequence[str],
        agent_id: UUID | None,
        question: str,
        tokens: int,
        *,
        at: datetime | None = None,
        payer: Payer | None = None,
    ) -> Recalled:
        """What a model is shown of what is remembered, in `tokens`, as of now or of `at`.

        Where meaning cannot be searched, words alone count; who may not read memories is shown
        none. Raises AgentNotFound.
        """
        if Permission.MEMORIES_READ not in access.permissions:
            return Recalled(warnings=("Memories need the permission `memories:read`.",))
        author, moment = author_of(access), at or now()
        async with self._database.unit(access.scope) as session:
            places = [await place_in(session, author, scope, agent_id) for scope in scopes]
            known = await finding_crud.recallable(session, author, places, MOST_LOOKED_AT)
        if not known or tokens <= 0:
            return Recalled()
        asked = " ".join(question.split())[-LONGEST_QUESTION:]
        similar, warnings = await self._similar(access, payer, asked)
        missing = similar.keys() - {memory.id for memory, _ in known}
        if missing and len(known) == MOST_LOOKED_AT:
            known += await self._more(access, author, places, missing)
        candidates = [_candidate(memory, said, similar.get(memory.id)) for memory, said in known]
        shown, left_out = ranked(candidates, asked, tokens, moment)
        return Recalled(shown, left_out, warnings)

    async def _similar(
        self, access: Access, payer: Payer | None, asked: str
    ) -> tuple[dict[UUID, float], tuple[str, ...]]:
        """The nearest memories in meaning: their cosines."""
        if not asked:
            return {}, ()
        paying = payer or Payer(access.workspace_id, access.user_id, "memory")
        wanted = Filters(kinds=frozenset({KIND}))
        question = Question(asked, filters=wanted, limit=MOST_FOUND, highlights=False)
        try:
            found = await self._searching.find(access, paying, question)
        except AppError as error:
            return {}, (error.detail,)
        scores = {
            each.passage.subject_id: each.scores.semantic_score or 0.0 for each in found.found
        }
        return scores, tuple(each.detail for each in found.warnings)

    async def _more(
        self, access: Access, author: Author, places: Sequence[Place], wanted: set[UUID]
    ) -> list[tuple[Memory, MemoryRevision]]:
        """Of these the ones of the places, however long ago they were told."""
        kept = {(place.scope, place.owner) for place in places}
        async with self._database.unit(access.scope) as session:
            memories = await crud.by_ids(session, author.workspace_id, wanted)
            revisions = await crud.current(session, author.workspace_id, wanted)
        return [
            (memory, revisions[memory.id])
            for memory in memories.values()
            if (memory.scope, memory.user_id or memory.agent_id) in kept
        ]


def _candidate(memory: Memory, said: MemoryRevision, similarity: float | None) -> Candidate:
    return Candidate(
        memory.id,
        memory.scope,
        memory.kind,
        said.text,
        said.confidence,
        restored(said.periods),
        memory.confirmed_at,
        _about(said),
        memory.expires_at,
        similarity,
        said.number,
    )


def _about(said: MemoryRevision) -> tuple[str, str, str] | None:
    if said.subject is None or said.predicate is None or said.object is None:
        return None
    return normal(said.subject), normal(said.predicate), normal(said.object)
