"""Vectors move between the stores whole, and can be moved again."""

from uuid import uuid4

import pytest
from sqlalchemy import delete

from app.core.db import SYSTEM
from app.knowledge.passages.models import Passage
from app.knowledge.passages.moving import Mover
from app.knowledge.vectors.index import Reach
from app.knowledge.vectors.pgvector import PgVectorIndex
from app.knowledge.vectors.qdrant import QdrantIndex
from tests.knowledge.vectors.conftest import (
    keep,
    new_workspaces,
    point,
    workspace_id,  # noqa: F401 - a fixture
)

SOME = [Reach("document")]


@pytest.fixture
def space():
    return f"{uuid4()}:model"


@pytest.fixture(params=["to pgvector", "to qdrant"])
def pair(request, kernel):
    both = QdrantIndex(kernel.vectors), PgVectorIndex(kernel.database)
    return both if request.param == "to pgvector" else both[::-1]


def mover(kernel, pair, told=lambda *_: None):
    return Mover(kernel.database, *pair, told)


async def test_what_was_found_in_one_is_found_in_the_other(kernel, pair, space):
    source, target = pair
    tenants = await new_workspaces(kernel, 3)
    parent, owner = uuid4(), uuid4()
    for tenant in tenants:
        points = [point([1, n / 10, 0], parent_id=parent, user_id=owner) for n in range(100)]
        await keep(kernel, source, tenant, space, *points)
    told = []
    moved = await mover(kernel, pair, lambda *each: told.append(each)).move(space)
    assert (moved.copied, moved.orphans, moved.missing) == (300, 0, 0)
    assert told[-1] == (space, 300)
    for tenant in tenants:
        assert await target.count(tenant, space) == 100
        for reach in (Reach("document", (parent,)), Reach("document", (), owner)):
            before = await source.search(tenant, space, [1, 0, 0], [reach], 10)
            after = await target.search(tenant, space, [1, 0, 0], [reach], 10)
            assert [hit.passage_id for hit in after] == [hit.passage_id for hit in before]


async def test_a_move_can_be_made_again_after_it_was_cut_off(kernel, pair, space, workspace_id):  # noqa: F811
    source, target = pair
    await keep(kernel, source, workspace_id, space, *[point([1, n]) for n in range(600)])

    class CutOffError(Exception):
        pass

    def cut(_space, done):
        if done > 256:
            raise CutOffError

    with pytest.raises(CutOffError):
        await mover(kernel, pair, cut).move(space)
    assert 0 < await target.count(workspace_id, space) < 600
    for _ in range(2):
        assert (await mover(kernel, pair).move(space)).copied == 600
        assert await target.count(workspace_id, space) == 600


async def test_what_lost_its_passage_is_left_behind(kernel, pair, space, workspace_id):  # noqa: F811
    """In the target, too, where an earlier move took it."""
    source, target = pair
    gone, stays = point([1, 0]), point([0, 1])
    await keep(kernel, source, workspace_id, space, gone, stays)
    await mover(kernel, pair).move(space)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(delete(Passage).where(Passage.id == gone.id))
    await mover(kernel, pair).move(space)
    assert await target.count(workspace_id, space) == 1
    (hit,) = await target.search(workspace_id, space, [1, 0], SOME, 5)
    assert hit.passage_id == stays.id


async def test_vectors_that_do_not_arrive_are_counted(
    kernel,
    pair,
    space,
    workspace_id,  # noqa: F811
    monkeypatch,
):
    source, target = pair
    await keep(kernel, source, workspace_id, space, point([1, 0]))

    async def lost(*_):
        return None

    monkeypatch.setattr(target, "upsert", lost)
    assert (await mover(kernel, pair).move(space)).missing == 1


async def test_the_source_can_be_cleared(kernel, pair, space, workspace_id):  # noqa: F811
    source, _ = pair
    await keep(kernel, source, workspace_id, space, *[point([1, n]) for n in range(600)])
    await mover(kernel, pair).clear(space)
    assert await source.count(workspace_id, space) == 0
