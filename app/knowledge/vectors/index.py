"""What a store of vectors can do: everything within one workspace, and never beyond it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Point:
    """The vector of a passage. `user_id` says whose own it is, where it is not the workspace's."""

    id: UUID
    vector: Sequence[float]
    kind: str
    subject_id: UUID
    parent_id: UUID | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """The passages of one kind that a caller may see.

    All of the workspace's where `parents`, `owner` and `subjects` are None. Else those of one of
    the `parents` (collections, dictionaries, conversations) and those that are the `owner`'s own;
    `subjects` narrows either to single documents, entries or messages.
    """

    kind: str
    parents: tuple[UUID, ...] | None = None
    owner: UUID | None = None
    subjects: tuple[UUID, ...] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found; `score` is the cosine similarity, from -1 to 1."""

    passage_id: UUID
    score: float


class VectorIndex(Protocol):
    """Vectors by space (the name of an embedding model); raises VectorsAway where it is away."""

    async def upsert(self, workspace_id: UUID, space: str, points: Sequence[Point]) -> bool:
        """Keep normalised vectors, all of one length; one with a known id is replaced.

        One whose passage is not there (any more) may be left out. Tells whether the space had to
        be made first: of what was kept in it before, nothing is there. Raises
        EmbeddingLengthChanged where it cannot keep them beside those that are there.
        """
        ...

    async def remove(self, workspace_id: UUID, space: str, passage_ids: Sequence[UUID]) -> None:
        """Forget vectors; those that are not there are no error."""
        ...

    async def search(
        self,
        workspace_id: UUID,
        space: str,
        vector: Sequence[float],
        reaches: Sequence[Reach],
        limit: int,
    ) -> list[Hit]:
        """The nearest passages that one of the reaches covers, best first.

        Vectors of another length are not looked at.
        """
        ...

    async def count(self, workspace_id: UUID, space: str) -> int: ...

    async def spaces(self) -> list[str]:
        """The spaces that hold vectors, of whichever workspace; for operators."""
        ...

    def points(self, space: str) -> AsyncIterator[list[tuple[UUID, Point]]]:
        """Every vector of a space with its workspace, some hundreds at a time; for operators."""
        ...
