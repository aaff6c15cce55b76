"""Questions by their meaning: Qdrant is opened when the first one is looked for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from app.core.log import get_logger
from app.core.vectors import Vectors, VectorsAway
from app.inference.cache.place import Place

if TYPE_CHECKING:
    from app.inference.cache.points import Points

log = get_logger(__name__)


class Questions:
    """The questions of all caches; without Qdrant there is none."""

    def __init__(self, vectors: Vectors | None) -> None:
        self._vectors = vectors
        self._opened: Points | None = None

    @property
    def there(self) -> bool:
        return self._vectors is not None

    async def nearest(
        self, model: str, place: Place, vector: list[float], threshold: float
    ) -> str | None:
        """The key of the answer to the most similar question; None where none is near enough."""
        if self._vectors is None:
            return None
        try:
            async with self._points(self._vectors) as points:
                return await points.nearest(model, place, vector, threshold)
        except VectorsAway as error:
            log.info("cache_questions_away", reason=str(error))
            return None

    async def add(
        self, model: str, place: Place, vector: list[float], *, key: str, user_id: UUID, end: float
    ) -> None:
        """Keep a question; raises VectorsAway."""
        if self._vectors is not None:
            async with self._points(self._vectors) as points:
                await points.add(model, place, vector, key=key, user_id=user_id, end=end)

    async def purge(self, workspace_id: UUID, cache_id: UUID) -> None:
        """Delete all questions of a cache; raises VectorsAway."""
        if self._vectors is not None:
            async with self._points(self._vectors) as points:
                await points.purge(workspace_id, cache_id)

    @asynccontextmanager
    async def _points(self, vectors: Vectors) -> AsyncIterator["Points"]:
        async with vectors.asked() as client:
            from app.inference.cache.points import Points  # noqa: PLC0415 - brings Qdrant's client

            self._opened = self._opened or Points(client)
            yield self._opened
