"""The only way to passages in Qdrant: what is asked is asked of one workspace.

The client is the wall's own, so that no question can be put without its tenant filter. What
is of no workspace is for operators, and says so.
"""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.core.vectors import Vectors
from app.knowledge.vectors.index import Hit, Point, Reach

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

PAGE: Final = 256


class Wall:
    """Passages' points by collection and workspace; all of it raises VectorsAway."""

    def __init__(self, vectors: Vectors) -> None:
        self.__vectors = vectors

    async def search(
        self,
        workspace_id: UUID,
        collection: str,
        vector: Sequence[float],
        reaches: Sequence[Reach],
        limit: int,
    ) -> list[Hit]:
        async with self.__vectors.asked() as client:
            from app.knowledge.vectors import asking  # noqa: PLC0415 - brings Qdrant's client

            covered = asking.covered(reaches)
            if covered is None:
                return []
            found = await client.query_points(
                collection,
                query=list(vector),
                query_filter=asking.within(workspace_id, covered),
                limit=limit,
                with_payload=["passage_id"],
            )
            return [
                Hit(UUID((point.payload or {})["passage_id"]), point.score)
                for point in found.points
            ]

    async def upsert(
        self, workspace_id: UUID, collection: str, space: str, points: Sequence[Point]
    ) -> None:
        async with self.__vectors.asked() as client:
            from app.knowledge.vectors import asking  # noqa: PLC0415 - brings Qdrant's client

            given = [asking.struct(workspace_id, space, point) for point in points]
            await client.upsert(collection, given, wait=True)

    async def remove(
        self, workspace_id: UUID, collection: str, passage_ids: Sequence[UUID]
    ) -> None:
        async with self.__vectors.asked() as client:
            from qdrant_client import models  # noqa: PLC0415 - brings Qdrant's client

            from app.knowledge.vectors import asking  # noqa: PLC0415 - the same

            selector = models.FilterSelector(filter=asking.those(workspace_id, passage_ids))
            await client.delete(collection, points_selector=selector, wait=True)

    async def count(self, workspace_id: UUID, collection: str) -> int:
        async with self.__vectors.asked() as client:
            from app.knowledge.vectors import asking  # noqa: PLC0415 - brings Qdrant's client

            counted = await client.count(
                collection, count_filter=asking.within(workspace_id), exact=True
            )
            return counted.count

    async def length(self, collection: str) -> int | None:
        """How long its vectors are; None where there is no such collection."""
        async with self.__vectors.asked() as client:
            if not await client.collection_exists(collection):
                return None
            size = (await client.get_collection(collection)).config.params.vectors
            return getattr(size, "size", None)

    async def make(self, collection: str, dimensions: int) -> None:
        """Make a collection with its indexes, where no other process has just made it."""
        async with self.__vectors.asked() as client:
            if not await client.collection_exists(collection):
                await _make(client, collection, dimensions)

    async def collections(self) -> list[str]:
        """All of Qdrant's; for operators."""
        async with self.__vectors.asked() as client:
            return [each.name for each in (await client.get_collections()).collections]

    async def space(self, collection: str) -> str | None:
        """Which space a collection of passages is of; None while it is empty. For operators."""
        async with self.__vectors.asked() as client:
            records, _ = await client.scroll(collection, limit=1, with_payload=["space"])
            return str((records[0].payload or {})["space"]) if records else None

    async def everyones(self, collection: str) -> AsyncIterator[list[tuple[UUID, Point]]]:
        """Each point with its workspace, page by page; for operators."""
        offset = None
        while True:
            async with self.__vectors.asked() as client:
                from app.knowledge.vectors import asking  # noqa: PLC0415 - brings Qdrant's client

                records, offset = await client.scroll(
                    collection, limit=PAGE, offset=offset, with_vectors=True
                )
                page = [asking.stored(record) for record in records]
            if page:
                yield page
            if offset is None:
                return


async def _make(client: "AsyncQdrantClient", collection: str, dimensions: int) -> None:
    from qdrant_client import models  # noqa: PLC0415 - brings Qdrant's client

    from app.knowledge.vectors import asking  # noqa: PLC0415 - the same

    size = models.VectorParams(size=dimensions, distance=models.Distance.COSINE)
    try:
        await client.create_collection(collection, vectors_config=size, hnsw_config=asking.GRAPHS)
    except Exception:
        if not await client.collection_exists(collection):
            raise
    await client.create_payload_index(collection, "workspace_id", asking.TENANT)
    for field in asking.KEYWORDS:
        await client.create_payload_index(collection, field, asking.KEYWORD)
