"""Qdrant as a store of personal data: the points whose payload names the person."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import orjson

from app.core.vectors import Vectors
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Entry, Tally

if TYPE_CHECKING:
    from qdrant_client import models

PAGE = 256


class QdrantStore:
    """Walks every collection, so that one made tomorrow is covered today.

    Whoever stores a point about a person says so with `user_id` in its payload; what belongs to a
    workspace alone has `workspace_id`.
    """

    name = "qdrant"

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    async def export(self, person: Person) -> AsyncIterator[Entry]:
        for collection in await self._collections():
            yield Entry(
                f"qdrant/{collection}.jsonl",
                "what was stored to be found by meaning",
                self._payloads(collection, person),
            )

    async def erase(self, person: Person, tally: Tally) -> None:
        for collection in await self._collections():
            found = await self._count(collection, person)
            if found:
                vectors = await self._vectors.client()
                await vectors.delete(collection, points_selector=_about(person), wait=True)
                await tally.add(f"{self.name}/{collection}", "deleted", found)

    async def left(self, person: Person) -> int:
        return sum([await self._count(name, person) for name in await self._collections()])

    async def _collections(self) -> list[str]:
        vectors = await self._vectors.client()
        return [c.name for c in (await vectors.get_collections()).collections]

    async def _count(self, collection: str, person: Person) -> int:
        vectors = await self._vectors.client()
        counted = await vectors.count(collection, count_filter=_about(person), exact=True)
        return counted.count

    async def _payloads(self, collection: str, person: Person) -> AsyncIterator[bytes]:
        vectors = await self._vectors.client()
        offset: models.ExtendedPointId | None = None
        while True:
            points, following = await vectors.scroll(
                collection, scroll_filter=_about(person), limit=PAGE, offset=offset
            )
            yield b"".join(
                orjson.dumps({"id": str(point.id), **(point.payload or {})}, default=str) + b"\n"
                for point in points
            )
            if following is None:
                return
            offset = str(following) if not isinstance(following, int) else following


def _about(person: Person) -> "models.Filter":
    from qdrant_client import models  # noqa: PLC0415 - brings Qdrant's client, which is open now

    owner = models.FieldCondition(key="user_id", match=models.MatchValue(value=str(person.user_id)))
    within = [
        models.FieldCondition(key="workspace_id", match=models.MatchValue(value=str(workspace)))
        for workspace in person.workspaces
    ]
    return models.Filter(should=[owner, *within])
