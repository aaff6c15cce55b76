"""Vectors of passages beside them in Postgres, by pgvector; row-level security is a second wall.

Numbers are kept at half precision. What covers few vectors is searched one by one, which misses
none; above that an index finds the nearest approximately.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Float,
    SmallInteger,
    Text,
    and_,
    bindparam,
    cast,
    column,
    delete,
    false,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy import UUID as SQL_UUID
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import InvalidSettings
from app.core.db import SYSTEM, Database, Scope
from app.knowledge.vectors.half import HalfVector
from app.knowledge.vectors.index import Hit, Point, Reach

TABLE: Final = "passage_vectors"
INDEXED: Final = frozenset({256, 384, 512, 768, 1024, 1536, 3072})
# As many numbers are compared one by one in some ten milliseconds.
EXACT_NUMBERS: Final = 4_000_000
EF_SEARCH: Final = 100
PAGE: Final = 256


rows = table(
    TABLE,
    column("passage_id", SQL_UUID),
    column("space", Text),
    column("workspace_id", SQL_UUID),
    column("kind", Text),
    column("parent_id", SQL_UUID),
    column("subject_id", SQL_UUID),
    column("user_id", SQL_UUID),
    column("dimensions", SmallInteger),
    column("embedding", HalfVector()),
)

# Locked, a passage cannot go in between; one that is gone needs no vector.
_UPSERT: Final = text("""
    insert into passage_vectors (passage_id, space, workspace_id, kind, parent_id, subject_id,
        user_id, dimensions, embedding)
    select p.id, :space, p.workspace_id, given.kind, given.parent_id, given.subject_id,
        given.user_id, :dimensions, given.embedding::halfvec
    from unnest(:ids, :kinds, :parents, :subjects, :users, :vectors)
        as given (id, kind, parent_id, subject_id, user_id, embedding)
    join passages p on p.id = given.id and p.workspace_id = :workspace_id
    order by p.id
    for key share of p
    on conflict (passage_id, space) do update set kind = excluded.kind,
        parent_id = excluded.parent_id, subject_id = excluded.subject_id,
        user_id = excluded.user_id, dimensions = excluded.dimensions,
        embedding = excluded.embedding
""").bindparams(
    bindparam("workspace_id", type_=SQL_UUID),
    bindparam("ids", type_=ARRAY(SQL_UUID)),
    bindparam("kinds", type_=ARRAY(Text)),
    bindparam("parents", type_=ARRAY(SQL_UUID)),
    bindparam("subjects", type_=ARRAY(SQL_UUID)),
    bindparam("users", type_=ARRAY(SQL_UUID)),
    bindparam("vectors", type_=ARRAY(Text)),
)
# Relaxed: what an index finds comes nearly in order, and is put in order afterwards.
_SCAN: Final = text(
    "select set_config('hnsw.iterative_scan', 'relaxed_order', true), "
    "set_config('hnsw.ef_search', :ef, true)"
)


class PgVectorIndex:
    """A VectorIndex. Vectors go with their passages; one without a passage is not taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self) -> None:
        """Raises InvalidSettings where Postgres has no table for them."""
        async with self._database.unit(SYSTEM) as session:
            if await session.scalar(select(func.to_regclass(TABLE))) is None:
                raise InvalidSettings(
                    "LUMINOUS_VECTORS=pgvector needs the extension pgvector 0.8 or newer: have it "
                    "installed in Postgres and run `luminous vectors migrate --to pgvector`, or "
                    "leave LUMINOUS_VECTORS out."
                )

    async def upsert(self, workspace_id: UUID, space: str, points: Sequence[Point]) -> bool:
        for start in range(0, len(points), PAGE):
            some = points[start : start + PAGE]
            async with self._database.unit(Scope(workspace_id)) as session:
                await session.execute(_UPSERT, _given(workspace_id, space, some))
        return False  # they go with their passages, and no otherwise

    async def remove(self, workspace_id: UUID, space: str, passage_ids: Sequence[UUID]) -> None:
        if passage_ids:
            those = rows.c.passage_id.in_(list(passage_ids))
            async with self._database.unit(Scope(workspace_id)) as session:
                await session.execute(delete(rows).where(*_within(workspace_id, space), those))

    async def search(
        self,
        workspace_id: UUID,
        space: str,
        vector: Sequence[float],
        reaches: Sequence[Reach],
        limit: int,
    ) -> list[Hit]:
        if limit < 1 or not reaches:
            return []
        size = literal_column(str(len(vector)), SmallInteger)  # said, or no index fits
        rules = (
            *_within(workspace_id, space),
            rows.c.dimensions == size,
            or_(*map(_covered, reaches)),
        )
        async with self._database.unit(Scope(workspace_id)) as session:
            found = None
            if len(vector) in INDEXED and await _are_many(session, rules, len(vector)):
                found = await _nearest_by_index(session, rules, vector, limit)
            if found is None or len(found) < limit:
                found = await _nearest(session, rules, vector, limit)
        return sorted(found, key=lambda hit: -hit.score)

    async def count(self, workspace_id: UUID, space: str) -> int:
        statement = select(func.count()).select_from(rows).where(*_within(workspace_id, space))
        async with self._database.unit(Scope(workspace_id)) as session:
            return await session.scalar(statement) or 0

    async def spaces(self) -> list[str]:
        async with self._database.unit(SYSTEM) as session:
            return list(await session.scalars(select(rows.c.space).distinct().order_by("space")))

    async def points(self, space: str) -> AsyncIterator[list[tuple[UUID, Point]]]:
        last = UUID(int=0)
        while page := await self._page(space, last):
            yield page
            last = page[-1][1].id

    async def _page(self, space: str, after: UUID) -> list[tuple[UUID, Point]]:
        statement = (
            select(rows, cast(rows.c.embedding, Text).label("numbers"))
            .where(rows.c.space == space, rows.c.passage_id > after)
            .order_by(rows.c.passage_id)
            .limit(PAGE)
        )
        async with self._database.unit(SYSTEM) as session:
            found = (await session.execute(statement)).all()
        return [
            (
                row.workspace_id,
                Point(
                    row.passage_id,
                    orjson.loads(row.numbers),
                    row.kind,
                    row.subject_id,
                    row.parent_id,
                    row.user_id,
                ),
            )
            for row in found
        ]


def _given(workspace_id: UUID, space: str, points: Sequence[Point]) -> dict[str, Any]:
    return {
        "workspace_id": workspace_id,
        "space": space,
        "dimensions": len(points[0].vector),
        "ids": [each.id for each in points],
        "kinds": [each.kind for each in points],
        "parents": [each.parent_id for each in points],
        "subjects": [each.subject_id for each in points],
        "users": [each.user_id for each in points],
        "vectors": [_written(each.vector) for each in points],
    }


def _written(vector: Sequence[float]) -> str:
    return orjson.dumps(list(vector)).decode()


def _within(workspace_id: UUID, space: str) -> tuple[ColumnElement[bool], ...]:
    return rows.c.workspace_id == workspace_id, rows.c.space == space


def _covered(reach: Reach) -> ColumnElement[bool]:
    rules: list[ColumnElement[bool]] = [rows.c.kind == reach.kind]
    if reach.parents is not None or reach.owner is not None:
        either: list[ColumnElement[bool]] = [false()]
        if reach.parents:
            either.append(rows.c.parent_id.in_(reach.parents))
        if reach.owner is not None:
            either.append(rows.c.user_id == reach.owner)
        rules.append(or_(*either))
    if reach.subjects is not None:
        rules.append(rows.c.subject_id.in_(reach.subjects))
    return and_(*rules)


async def _are_many(
    session: AsyncSession, rules: Sequence[ColumnElement[bool]], dimensions: int
) -> bool:
    """Whether there are more vectors to compare than can be compared one by one."""
    most = EXACT_NUMBERS // dimensions
    some = select(literal_column("1")).select_from(rows).where(*rules).limit(most + 1).subquery()
    return (await session.scalar(select(func.count()).select_from(some)) or 0) > most


async def _nearest(
    session: AsyncSession, rules: Sequence[ColumnElement[bool]], vector: Sequence[float], limit: int
) -> list[Hit]:
    # Without its length it is no index's expression: each vector is compared.
    return await _hits(session, rules, rows.c.embedding, _bound(vector), limit)


async def _nearest_by_index(
    session: AsyncSession, rules: Sequence[ColumnElement[bool]], vector: Sequence[float], limit: int
) -> list[Hit]:
    await session.execute(_SCAN, {"ef": str(max(EF_SEARCH, min(limit, 1000)))})
    sized = HalfVector(len(vector))
    return await _hits(session, rules, cast(rows.c.embedding, sized), _bound(vector), limit)


def _bound(vector: Sequence[float]) -> ColumnElement[Any]:
    return cast(cast(_written(vector), Text), HalfVector(len(vector)))


async def _hits(
    session: AsyncSession,
    rules: Sequence[ColumnElement[bool]],
    stored: ColumnElement[Any],
    asked: ColumnElement[Any],
    limit: int,
) -> list[Hit]:
    distance = stored.op("<=>", return_type=Float())(asked)
    statement = (
        select(rows.c.passage_id, distance.label("distance"))
        .where(*rules)
        .order_by(distance)
        .limit(limit)
    )
    found = (await session.execute(statement)).all()
    return [Hit(row.passage_id, 1.0 - row.distance) for row in found]
