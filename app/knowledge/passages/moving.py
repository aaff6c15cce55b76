"""Moving every vector from one store to another: nothing is embedded again."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from app.core.db import SYSTEM, Database
from app.knowledge.passages import crud
from app.knowledge.vectors.index import Point, VectorIndex

Told = Callable[[str, int], object]


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the vectors of a space.

    `orphans` are those whose passage is gone: they were left behind, and taken away where the
    target still had them. `missing` are those that the target should have by now and has not.
    """

    space: str
    copied: int
    orphans: int
    missing: int


class Mover:
    """Copies from `source` to `target`; `told` hears of each space how many it has got through.

    Interrupted, it can start again: what was copied is replaced by the same. Both stores may be
    in use; what one of them takes in meanwhile is copied by the next move.
    """

    def __init__(
        self, database: Database, source: VectorIndex, target: VectorIndex, told: Told
    ) -> None:
        self._database = database
        self._source = source
        self._target = target
        self._told = told

    async def move(self, space: str) -> Moved:
        """Copy a space, tidy the target and count; raises VectorsAway."""
        copied: Counter[UUID] = Counter()
        seen = 0
        async for page in self._source.points(space):
            for workspace_id, points in await self._living(page):
                await self._target.upsert(workspace_id, space, points)
                copied[workspace_id] += len(points)
            seen += len(page)
            self._told(space, seen)
        swept = await self._sweep(space)
        missing = 0
        for workspace_id, count in copied.items():
            missing += max(0, count - await self._target.count(workspace_id, space))
        return Moved(space, copied.total(), seen - copied.total() + swept, missing)

    async def clear(self, space: str) -> None:
        """Take a space out of the source."""
        async for page in self._source.points(space):
            for workspace_id, pairs in groupby(sorted(page, key=_workspace), _workspace):
                ids = [point.id for _, point in pairs]
                await self._source.remove(workspace_id, space, ids)

    async def _living(self, page: Sequence[tuple[UUID, Point]]) -> list[tuple[UUID, list[Point]]]:
        """The points of a page that have a passage, by workspace."""
        there = await self._there(page)
        living = sorted((each for each in page if (each[0], each[1].id) in there), key=_workspace)
        return [
            (workspace_id, [point for _, point in pairs])
            for workspace_id, pairs in groupby(living, _workspace)
        ]

    async def _sweep(self, space: str) -> int:
        """Take what has no passage any more out of the target; returns how many."""
        swept = 0
        async for page in self._target.points(space):
            there = await self._there(page)
            for workspace_id, pairs in groupby(sorted(page, key=_workspace), _workspace):
                gone = [point.id for _, point in pairs if (workspace_id, point.id) not in there]
                if gone:
                    await self._target.remove(workspace_id, space, gone)
                    swept += len(gone)
        return swept

    async def _there(self, page: Sequence[tuple[UUID, Point]]) -> set[tuple[UUID, UUID]]:
        async with self._database.unit(SYSTEM) as session:
            return await crud.existing(session, [point.id for _, point in page])


async def indexed(database: Database) -> dict[str, int]:
    """How many vectors each space should have, of all workspaces."""
    async with database.unit(SYSTEM) as session:
        return dict(await crud.indexed(session))


def _workspace(pair: tuple[UUID, Point]) -> UUID:
    return pair[0]
