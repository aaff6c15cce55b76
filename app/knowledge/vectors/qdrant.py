"""Vectors of passages in Qdrant: a collection for each space, reached through the wall alone."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from app.core.vectors import Vectors, VectorsAway
from app.knowledge.vectors.errors import EmbeddingLengthChanged
from app.knowledge.vectors.index import Hit, Point, Reach
from app.knowledge.vectors.spaces import PREFIX, collection_of
from app.knowledge.vectors.wall import Wall

MOST_POINTS: Final = 256
# A request of Qdrant's takes 32 MiB; a number in it takes up to 24 characters.
MOST_NUMBERS: Final = 500_000
MOST_IDS: Final = 1_000


class QdrantIndex:
    """A VectorIndex. A space that nothing was kept in is as good as an empty one."""

    def __init__(self, vectors: Vectors) -> None:
        self._wall = Wall(vectors)
        self._known: dict[str, int] = {}

    async def upsert(self, workspace_id: UUID, space: str, points: Sequence[Point]) -> bool:
        if not points:
            return False
        collection, dimensions = collection_of(space), len(points[0].vector)
        at_once = max(1, min(MOST_POINTS, MOST_NUMBERS // dimensions))
        with self._trusting(collection):
            length = await self._length(collection)
            if length is None:
                await self._wall.make(collection, dimensions)
                self._known[collection] = dimensions
            elif length != dimensions:
                raise EmbeddingLengthChanged(
                    f"Its vectors have {dimensions} numbers; those that are kept have {length}."
                )
            for start in range(0, len(points), at_once):
                some = points[start : start + at_once]
                await self._wall.upsert(workspace_id, collection, space, some)
        return length is None

    async def remove(self, workspace_id: UUID, space: str, passage_ids: Sequence[UUID]) -> None:
        collection = collection_of(space)
        with self._trusting(collection):
            if passage_ids and await self._length(collection) is not None:
                for start in range(0, len(passage_ids), MOST_IDS):
                    some = passage_ids[start : start + MOST_IDS]
                    await self._wall.remove(workspace_id, collection, some)

    async def search(
        self,
        workspace_id: UUID,
        space: str,
        vector: Sequence[float],
        reaches: Sequence[Reach],
        limit: int,
    ) -> list[Hit]:
        collection = collection_of(space)
        with self._trusting(collection):
            if limit < 1 or not reaches or await self._length(collection) != len(vector):
                return []
            return await self._wall.search(workspace_id, collection, vector, reaches, limit)

    async def count(self, workspace_id: UUID, space: str) -> int:
        collection = collection_of(space)
        with self._trusting(collection):
            if await self._length(collection) is None:
                return 0
            return await self._wall.count(workspace_id, collection)

    async def spaces(self) -> list[str]:
        names = [name for name in await self._wall.collections() if name.startswith(PREFIX)]
        spaces = [await self._wall.space(name) for name in names]
        return sorted(space for space in spaces if space is not None)

    async def points(self, space: str) -> AsyncIterator[list[tuple[UUID, Point]]]:
        collection = collection_of(space)
        if await self._length(collection) is not None:
            async for page in self._wall.everyones(collection):
                yield page

    @contextmanager
    def _trusting(self, collection: str) -> Iterator[None]:
        """Where something fails, a collection that was known may have been dropped meanwhile."""
        try:
            yield
        except VectorsAway:
            self._known.pop(collection, None)
            raise

    async def _length(self, collection: str) -> int | None:
        """How long its vectors are; None where nothing was kept in it yet."""
        if collection not in self._known:
            length = await self._wall.length(collection)
            if length is None:
                return None
            self._known[collection] = length
        return self._known[collection]
