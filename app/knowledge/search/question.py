"""What is asked of a search, and what it found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.knowledge.passages.highlights import Fragment
from app.knowledge.passages.models import Passage

Mode = Literal["hybrid", "semantic", "lexical"]

DOCUMENT: Final = "document"
ENTRY: Final = "entry"
MESSAGE: Final = "message"


@dataclass(frozen=True, slots=True)
class Filters:
    """What is wanted of all that the caller may see; None for all.

    `parents` and `subjects` are by kind: collections and dictionaries, documents and entries.
    """

    kinds: frozenset[str] | None = None
    parents: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)
    subjects: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)
    languages: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, kind: str) -> bool:
        """Where no kinds are named, those that another filter is about, or all."""
        if self.kinds is not None:
            return kind in self.kinds
        named = {*self.parents, *self.subjects}
        return not named or kind in named


@dataclass(frozen=True, slots=True)
class Weights:
    """How much a place in either list counts."""

    semantic: float = 1.0
    lexical: float = 1.0


@dataclass(frozen=True, slots=True)
class Reranking:
    """Which model puts how many of the best into a better order."""

    model: str
    candidates: int = 50


@dataclass(frozen=True, slots=True)
class Question:
    """A search. `per_subject` is how many passages of one document, entry or message it shows.

    With `graph` it goes on to passages about the same as those that were found.
    """

    text: str
    mode: Mode = "hybrid"
    filters: Filters = Filters()
    limit: int = 10
    weights: Weights = Weights()
    reranking: Reranking | None = None
    per_subject: int | None = None
    highlights: bool = True
    graph: bool = False


@dataclass(frozen=True, slots=True)
class Scores:
    """How a passage came to its place; ranks count from 1, None where a list has it not."""

    semantic_rank: int | None = None
    semantic_score: float | None = None
    lexical_rank: int | None = None
    lexical_score: float | None = None
    rerank_score: float | None = None
    graph_rank: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that the caller may see; `fragment` is its best piece."""

    passage: Passage
    score: float
    scores: Scores
    fragment: Fragment | None = None


@dataclass(frozen=True, slots=True)
class Warned:
    """Why a part of what could have been searched was not."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Findings:
    """Best first. `warnings` tell what was left out."""

    found: tuple[Found, ...]
    warnings: tuple[Warned, ...] = ()
