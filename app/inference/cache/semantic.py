"""Questions by their meaning, in Qdrant: found only within one workspace and one context.

One collection for each embedding model. Every question to Qdrant is asked through `_within`, so
that none is without its workspace.
"""

import re
import time
import warnings
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

import httpx2
from qdrant_client import models
from qdrant_client.http.exceptions import ApiException

from app.core.log import get_logger
from app.core.vectors import Vectors

log = get_logger(__name__)

NAMESPACE: Final = UUID("2f0c8a4e-6f0b-4b58-9c5e-0d8f3c1b7a61")
KEYWORDS: Final = ("workspace_id", "user_id", "cache_id", "partition")
PRUNE_EVERY: Final = 200
# What the client raises where the server is away, the collection is not there yet, or it is closed.
AWAY: Final = (ApiException, httpx2.HTTPError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands: no other workspace, cache or context ever sees it."""

    workspace_id: UUID
    cache_id: UUID
    partition: str


class Questions:
    """The questions of all caches; without Qdrant there is none."""

    def __init__(self, vectors: Vectors | None) -> None:
        self._vectors = vectors
        self._made: set[str] = set()
        self._added = 0

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
            found = await self._vectors.query_points(
                collection_of(model),
                query=vector,
                query_filter=_within(
                    place.workspace_id,
                    _is("cache_id", str(place.cache_id)),
                    _is("partition", place.partition),
                    _lives(),
                ),
                limit=1,
                score_threshold=threshold,
                with_payload=["key"],
            )
        except AWAY as error:
            log.info("cache_questions_away", reason=repr(error))
            return None
        point = found.points[0] if found.points else None
        return str(point.payload["key"]) if point and point.payload else None

    async def add(
        self, model: str, place: Place, vector: list[float], *, key: str, user_id: UUID, end: float
    ) -> None:
        """Keep a question; raises what the client raises where Qdrant is away."""
        if self._vectors is None:
            return
        collection = await self._collection(model, len(vector))
        payload = {
            "workspace_id": str(place.workspace_id),
            "user_id": str(user_id),
            "cache_id": str(place.cache_id),
            "partition": place.partition,
            "key": key,
            "ends_at": end,
        }
        point = models.PointStruct(id=str(uuid5(NAMESPACE, key)), vector=vector, payload=payload)
        await self._vectors.upsert(collection, [point], wait=True)
        self._added += 1
        if self._added % PRUNE_EVERY == 0:
            ended = _within(place.workspace_id, _lives(ended=True))
            await self._delete(collection, ended)

    async def purge(self, workspace_id: UUID, cache_id: UUID) -> None:
        """Delete all questions of a cache."""
        if self._vectors is None:
            return
        for found in (await self._vectors.get_collections()).collections:
            if found.name.startswith("cache_"):
                within = _within(workspace_id, _is("cache_id", str(cache_id)))
                await self._delete(found.name, within)

    async def _delete(self, collection: str, found: models.Filter) -> None:
        if self._vectors is not None:
            selector = models.FilterSelector(filter=found)
            await self._vectors.delete(collection, points_selector=selector, wait=True)

    async def _collection(self, model: str, dimensions: int) -> str:
        name = collection_of(model)
        if name not in self._made and self._vectors is not None:
            if not await self._vectors.collection_exists(name):
                size = models.VectorParams(size=dimensions, distance=models.Distance.COSINE)
                await self._vectors.create_collection(name, vectors_config=size)
                await self._index(self._vectors, name)
            self._made.add(name)
        return name

    async def _index(self, vectors: Vectors, name: str) -> None:
        with warnings.catch_warnings():
            # The local engine has no indexes, and says so.
            warnings.simplefilter("ignore", UserWarning)
            for field in KEYWORDS:
                keyword = models.PayloadSchemaType.KEYWORD
                await vectors.create_payload_index(name, field, keyword)


def collection_of(model: str) -> str:
    """The collection of an embedding model; vectors of two models are not comparable."""
    return "cache_" + re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")


def _within(workspace_id: UUID, *conditions: models.FieldCondition) -> models.Filter:
    return models.Filter(must=[_is("workspace_id", str(workspace_id)), *conditions])


def _is(field: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def _lives(*, ended: bool = False) -> models.FieldCondition:
    now = time.time()
    return models.FieldCondition(
        key="ends_at", range=models.Range(lt=now) if ended else models.Range(gte=now)
    )
