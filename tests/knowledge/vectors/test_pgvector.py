"""What only pgvector does: an index where there is much to compare, and Postgres's own walls."""

import random
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.core.config import InvalidSettings
from app.core.db import NOBODY, SYSTEM, Scope
from app.knowledge.vectors import pgvector, table
from app.knowledge.vectors.index import Reach
from app.knowledge.vectors.open import open_index
from app.knowledge.vectors.pgvector import PgVectorIndex
from tests.knowledge.vectors.conftest import keep, new_workspaces, point
from tests.support.identity import counted_queries

ALL = [Reach("document")]


@pytest.fixture
def beside(kernel):
    return PgVectorIndex(kernel.database)


def some_points(count, dimensions, seed=1):
    chance = random.Random(seed)  # noqa: S311 - it guards nothing
    return [point([chance.gauss(0, 1) for _ in range(dimensions)]) for _ in range(count)]


def test_the_indexed_lengths_are_those_that_the_table_has():
    assert set(table.INDEXED) == pgvector.INDEXED


@pytest.mark.parametrize("dimensions", [256, 384])
async def test_much_is_searched_by_an_index_and_little_one_by_one(
    beside, kernel, workspace_id, space, monkeypatch, dimensions
):
    points = some_points(120, dimensions)
    await keep(kernel, beside, workspace_id, space, *points)
    exact = await beside.search(workspace_id, space, points[0].vector, ALL, 10)
    async with counted_queries(kernel) as asked:
        monkeypatch.setattr(pgvector, "EXACT_NUMBERS", 0)
        near = await beside.search(workspace_id, space, points[0].vector, ALL, 10)
    assert any("hnsw.iterative_scan" in statement for statement in asked)
    assert near[0].passage_id == exact[0].passage_id == points[0].id
    same = {hit.passage_id for hit in near} & {hit.passage_id for hit in exact}
    assert len(same) >= 8


async def test_the_indexs_expression_is_the_one_that_is_asked_for(
    beside, kernel, workspace_id, space
):
    """Or Postgres would never use it, and nobody would notice."""
    points = some_points(3, 384)
    await keep(kernel, beside, workspace_id, space, *points)
    vector = "[" + ",".join(["0.05"] * 384) + "]"
    async with kernel.database.unit(Scope(workspace_id)) as session:
        await session.execute(text("set local enable_seqscan = off"))
        await session.execute(text("set local enable_sort = off"))
        plan = await session.scalars(
            text(
                "explain select passage_id from passage_vectors where dimensions = 384 "
                "order by cast(embedding as halfvec(384)) <=> "
                "cast(cast(:vector as text) as halfvec(384)) limit 3"
            ),
            {"vector": vector},
        )
        assert "ix_passage_vectors_384" in "\n".join(plan)


async def test_what_an_index_misses_is_looked_for_one_by_one(beside, kernel, space, monkeypatch):
    """A small tenant among the vectors of a large one is found whole."""
    large, small = await new_workspaces(kernel, 2)
    await keep(kernel, beside, large, space, *some_points(300, 256))
    mine = some_points(5, 256, seed=2)
    await keep(kernel, beside, small, space, *mine)
    monkeypatch.setattr(pgvector, "EXACT_NUMBERS", 0)
    found = await beside.search(small, space, mine[0].vector, ALL, 5)
    assert {hit.passage_id for hit in found} == {each.id for each in mine}


async def test_a_vector_goes_with_its_passage_and_comes_with_none(
    beside, kernel, workspace_id, space
):
    stays, goes, never = point([1, 0]), point([1, 0]), point([1, 0])
    await keep(kernel, beside, workspace_id, space, stays, goes)
    await beside.upsert(workspace_id, space, [never])
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(text("delete from passages where id = :id"), {"id": goes.id})
    found = await beside.search(workspace_id, space, [1, 0], ALL, 5)
    assert [hit.passage_id for hit in found] == [stays.id]


async def test_row_level_security_is_the_second_wall(beside, kernel, space):
    mine, theirs = await new_workspaces(kernel, 2)
    await keep(kernel, beside, theirs, space, point([1, 0]))
    count = text("select count(*) from passage_vectors where space = :space")
    for scope, seen in ((Scope(mine), 0), (NOBODY, 0), (Scope(theirs), 1), (SYSTEM, 1)):
        async with kernel.database.unit(scope) as session:
            assert await session.scalar(count, {"space": space}) == seen
    async with kernel.database.unit(Scope(mine)) as session:
        forced = text("select relforcerowsecurity from pg_class where relname = 'passage_vectors'")
        assert await session.scalar(forced) is True
        gone = text("delete from passage_vectors where space = :space")
        assert (await session.execute(gone, {"space": space})).rowcount == 0


async def test_without_the_table_the_start_says_so(kernel, monkeypatch):
    monkeypatch.setattr(pgvector, "TABLE", f"no_{uuid4().hex}")
    monkeypatch.setattr(
        kernel, "settings", kernel.settings.model_copy(update={"vectors": "pgvector"})
    )
    with pytest.raises(InvalidSettings, match=r"pgvector 0\.8 or newer"):
        await open_index(kernel)
    monkeypatch.undo()
    monkeypatch.setattr(
        kernel, "settings", kernel.settings.model_copy(update={"vectors": "pgvector"})
    )
    assert isinstance(await open_index(kernel), PgVectorIndex)
