"""A search, from the question to what is shown: reach, two lists, one order, and the reach again.

No transaction is open while a model is asked or vectors are compared.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession, Database
from app.core.errors import AppError
from app.core.vectors import VectorsAway
from app.inference.embeddings.embedders import Embedders
from app.inference.usage.payer import Payer
from app.knowledge.passages import crud
from app.knowledge.passages.highlights import best_fragment, ranges_of
from app.knowledge.passages.lexical import Lexical, Match
from app.knowledge.passages.models import Passage
from app.knowledge.passages.words import Words, read_words
from app.knowledge.search.errors import SearchUnavailable
from app.knowledge.search.fusion import fuse
from app.knowledge.search.ground import Ground, Sources, ground_of
from app.knowledge.search.question import ENTRY, Findings, Found, Question, Scores, Warned
from app.knowledge.search.reranking import Rerankers
from app.knowledge.search.widening import widened
from app.knowledge.vectors.index import Hit, VectorIndex

# How many of either list are looked at for one that is shown; and at least, and at most.
DEEPER: Final = 5
FEWEST: Final = 50
MOST: Final = 500
RETRY_SECONDS: Final = 5
# An engine that hangs would be waited for as long as one that writes its files anew: a minute.
STORE_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class _Lists:
    """What both ways have found."""

    semantic: Sequence[Sequence[Hit]]
    lexical: Sequence[Match]
    warnings: tuple[Warned, ...]


class Searching:
    """The searches of one process."""

    def __init__(
        self,
        database: Database,
        embedders: Embedders,
        index: VectorIndex,
        sources: Sources,
        rerankers: Rerankers,
    ) -> None:
        self.database = database
        self._embedders = embedders
        self._index = index
        self.sources = sources
        self.lexical = Lexical()
        self._rerankers = rerankers

    async def find(self, access: Access, payer: Payer, question: Question) -> Findings:
        """The best passages that the caller may see, best first.

        Raises SearchUnavailable, unless the mode is `lexical`, and what a reranker raises.
        """
        reranker = None
        if question.reranking is not None:
            reranker = await self._rerankers.of(access, payer, question.reranking.model)
        async with self.database.unit(access.scope) as session:
            ground = await ground_of(session, access, self.sources, question.filters)
        words = read_words(question.text)
        lists = await self._look(access, payer, question, ground, words)
        async with self.database.unit(access.scope) as session:
            found = await self._seen(session, access, question, ground, lists)
        if reranker is not None and question.reranking is not None and found:
            head = found[: question.reranking.candidates]
            scores = await reranker.rank(question.text, [_shown(each.passage) for each in head])
            found = [*_reordered(head, scores), *found[len(head) :]]
        kept = found[: question.limit]
        if question.highlights and kept:
            async with self.database.unit(access.scope) as session:
                kept = await _highlighted(session, access.workspace_id, kept, words)
        return Findings(tuple(kept), lists.warnings)

    async def _look(
        self, access: Access, payer: Payer, question: Question, ground: Ground, words: Words
    ) -> _Lists:
        """Both lists at the same time, each as far as the mode asks for it."""
        wanted = question.limit
        if question.reranking is not None:
            wanted = max(wanted, question.reranking.candidates)
        deep = min(max(DEEPER * wanted, FEWEST), MOST)
        by_words = self._by_words(access, question, ground, words, deep)
        by_meaning = self._by_meaning(access, payer, question, ground, deep)
        lexical, (semantic, warnings) = await asyncio.gather(by_words, by_meaning)
        return _Lists(semantic, lexical, warnings)

    async def _by_words(
        self, access: Access, question: Question, ground: Ground, words: Words, deep: int
    ) -> list[Match]:
        if question.mode == "semantic":
            return []
        async with self.database.unit(access.scope) as session:
            return await self.lexical.search(
                session,
                access.workspace_id,
                words,
                tuple(ground.reaches.values()),
                ground.narrow,
                deep,
            )

    async def _by_meaning(
        self, access: Access, payer: Payer, question: Question, ground: Ground, deep: int
    ) -> tuple[Sequence[Sequence[Hit]], tuple[Warned, ...]]:
        """One list a model. A model that cannot be asked is left out of a hybrid search."""
        if question.mode == "lexical" or not question.text.strip():
            return (), ()
        lists: list[Sequence[Hit]] = []
        warnings: list[Warned] = []
        for model, reaches in ground.by_model.items():
            try:
                embedder = await self._embedders.of(payer, model)
                (vector,) = await embedder.embed([question.text], "query")
                async with asyncio.timeout(STORE_SECONDS):
                    hits = await self._index.search(
                        access.workspace_id, embedder.name, vector, reaches, deep
                    )
                lists.append(hits)
            except (VectorsAway, TimeoutError):
                raise SearchUnavailable(
                    "The store of vectors does not answer; `mode: lexical` works without it.",
                    retry_after=RETRY_SECONDS,
                ) from None
            except AppError as error:
                if question.mode == "semantic":
                    raise
                named = model or "the local model"
                warnings.append(Warned(error.code, f"Not searched by {named}: {error.detail}"))
        return lists, tuple(warnings)

    async def _seen(
        self,
        session: AsyncSession,
        access: Access,
        question: Question,
        ground: Ground,
        lists: _Lists,
    ) -> list[Found]:
        """What was found as it is now, without what the caller may not see, and each once."""
        fused = fuse(lists.semantic, lists.lexical, question.weights)
        if question.graph:
            fused = await widened(session, access.workspace_id, ground, fused)
        rows = await crud.by_ids(session, access.workspace_id, [each[0] for each in fused])
        passages = {each.id: each for each in rows if ground.covers(each)}
        visible: set[tuple[str, UUID]] = set()
        for kind in {each.kind for each in passages.values()}:
            subjects = {each.subject_id for each in passages.values() if each.kind == kind}
            seen = await self.sources[kind].visible(session, access, sorted(subjects))
            visible |= {(kind, subject) for subject in seen}
        found = [
            Found(passages[passage_id], score, scores)
            for passage_id, score, scores in fused
            if passage_id in passages
            and (passages[passage_id].kind, passages[passage_id].subject_id) in visible
        ]
        return _each_once(found, question.per_subject)


def _each_once(found: Sequence[Found], per_subject: int | None) -> list[Found]:
    """Without a text's second copy, and an entry's second language; few of a subject if asked."""
    texts: set[tuple[str, bytes]] = set()
    counts: Counter[tuple[str, UUID]] = Counter()
    kept = []
    for each in found:
        passage = each.passage
        subject, content = (passage.kind, passage.subject_id), bytes(passage.content_sha256)
        most = 1 if passage.kind == ENTRY else per_subject
        if (passage.kind, content) in texts or (most is not None and counts[subject] >= most):
            continue
        texts.add((passage.kind, content))
        counts[subject] += 1
        kept.append(each)
    return kept


def _shown(passage: Passage) -> str:
    return "\n".join(part for part in (passage.title, passage.heading, passage.text) if part)


def _reordered(found: Sequence[Found], scores: Sequence[float]) -> list[Found]:
    """By the reranker's scores; equal ones stay in their order."""
    scored = [
        replace(each, score=score, scores=_with_rerank(each.scores, score))
        for each, score in zip(found, scores, strict=True)
    ]
    return sorted(scored, key=lambda each: -each.score)


def _with_rerank(scores: Scores, score: float) -> Scores:
    return replace(scores, rerank_score=score)


async def _highlighted(
    session: AsyncSession, workspace_id: UUID, found: Sequence[Found], words: Words
) -> list[Found]:
    passages = [each.passage for each in found]
    ranges = await ranges_of(session, workspace_id, passages, words)
    return [
        replace(each, fragment=best_fragment(each.passage.text, ranges.get(each.passage.id, ())))
        for each in found
    ]
