"""Questions as points in Qdrant: found only within one workspace and one context.

One collection for each embedding model. Every question to Qdrant is asked through `_within`, so
that none is without its workspace. Imported where Qdrant is first used: its client is 50 MB.
"""

import re
import time
from typing import Final
from uuid import UUID, uuid5

from qdrant_client import AsyncQdrantClient, models

from app.inference.cache.place import Place

NAMESPACE: Final = UUID("2f0c8a4e-6f0b-4b58-9c5e-0d8f3c1b7a61")
KEYWORDS: Final = ("workspace_id", "user_id", "cache_id", "partition")
PRUNE_EVERY: Final = 200


class Points:
    """The points of all caches; raises what the client raises."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client
        self._made: set[str] = set()
        self._added = 0

    async def nearest(
        self, model: str, place: Place, vector: list[float], threshold: float
    ) -> str | None:
        """The key of the answer to the most similar question; None where none is near enough."""
        found = await self._client.query_points(
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
        point = found.points[0] if found.points else None
        return str(point.payload["key"]) if point and point.payload else None

    async def add(
        self, model: str, place: Place, vector: list[float], *, key: str, user_id: UUID, end: float
    ) -> None:
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
        await self._client.upsert(collection, [point], wait=True)
        self._added += 1
        if self._added % PRUNE_EVERY == 0:
            await self._delete(collection, _within(place.workspace_id, _lives(ended=True)))

    async def purge(self, workspace_id: UUID, cache_id: UUID) -> None:
        """Delete all questions of a cache."""
        for found in (await self._client.get_collections()).collections:
            if found.name.startswith("cache_"):
                within = _within(workspace_id, _is("cache_id", str(cache_id)))
                await self._delete(found.name, within)

    async def _delete(self, collection: str, found: models.Filter) -> None:
        selector = models.FilterSelector(filter=found)
        await self._client.delete(collection, points_selector=selector, wait=True)

    async def _collection(self, model: str, dimensions: int) -> str:
        name = collection_of(model)
        if name not in self._made:
            if not await self._client.collection_exists(name):
                size = models.VectorParams(size=dimensions, distance=models.Distance.COSINE)
                try:
                    await self._client.create_collection(name, vectors_config=size)
                except Exception:
                    if not await self._client.collection_exists(name):
                        raise  # else another one has just made it
                for field in KEYWORDS:
                    keyword = models.PayloadSchemaType.KEYWORD
                    await self._client.create_payload_index(name, field, keyword)
            self._made.add(name)
        return name


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
