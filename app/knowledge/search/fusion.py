"""Several ranked lists made one: reciprocal ranks, weighted (RRF)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from app.knowledge.passages.lexical import Match
from app.knowledge.search.question import Scores, Weights
from app.knowledge.vectors.index import Hit

K: Final = 60


@dataclass(slots=True)
class _Ranked:
    score: float = 0.0
    scores: Scores = field(default_factory=Scores)


def fuse(
    semantic: Sequence[Sequence[Hit]], lexical: Sequence[Match], weights: Weights
) -> list[tuple[UUID, float, Scores]]:
    """Best first. Each list of `semantic` is of one embedding model: only ranks compare.

    A place among those found by words counts as far as the passage has the words: where it has
    few of them, what is near in meaning goes before it. A list alone keeps its order. A passage in
    the lists of two models counts in its better one.
    """
    both = any(semantic)
    ranked: dict[UUID, _Ranked] = {}
    for hits in semantic:
        for rank, hit in enumerate(hits, start=1):
            one = ranked.setdefault(hit.passage_id, _Ranked())
            known = one.scores.semantic_rank
            if known is None or rank < known:
                one.scores = replace(one.scores, semantic_rank=rank, semantic_score=hit.score)
    for one in ranked.values():
        one.score = _reciprocal(one.scores.semantic_rank, weights.semantic)
    for rank, match in enumerate(lexical, start=1):
        one = ranked.setdefault(match.passage_id, _Ranked())
        one.scores = replace(one.scores, lexical_rank=rank, lexical_score=match.score)
        one.score += _reciprocal(rank, weights.lexical * (match.share if both else 1.0))
    best = sorted(ranked.items(), key=lambda item: (-item[1].score, item[0]))
    return [(passage_id, one.score, one.scores) for passage_id, one in best]


def _reciprocal(rank: int | None, weight: float) -> float:
    return 0.0 if rank is None else weight / (K + rank)
