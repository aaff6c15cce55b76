"""What every store of vectors does, on each of them."""

import asyncio
import random
from uuid import uuid4

import pytest

from app.knowledge.vectors.index import Reach
from tests.knowledge.vectors.conftest import keep, new_workspaces, point

ALL = [Reach("document")]


def ids(hits):
    return [hit.passage_id for hit in hits]


async def test_the_nearest_come_first_with_their_similarity(index, kernel, workspace_id, space):
    same, near, across, against = (
        point([1, 0, 0]),
        point([1, 1, 0]),
        point([0, 0, 1]),
        point([-1, 0, 0]),
    )
    await keep(kernel, index, workspace_id, space, across, against, near, same)
    hits = await index.search(workspace_id, space, [1, 0, 0], ALL, 10)
    assert ids(hits) == [same.id, near.id, across.id, against.id]
    assert [hit.score for hit in hits] == pytest.approx([1, 0.7071, 0, -1], abs=2e-3)


async def test_no_more_come_than_are_asked_for(index, kernel, workspace_id, space):
    await keep(kernel, index, workspace_id, space, *[point([1, n]) for n in range(5)])
    assert len(await index.search(workspace_id, space, [1, 0], ALL, 3)) == 3
    assert await index.search(workspace_id, space, [1, 0], ALL, 0) == []


async def test_a_known_id_is_replaced_with_all_that_is_told_of_it(
    index, kernel, workspace_id, space
):
    parent = uuid4()
    first = point([1, 0])
    await keep(kernel, index, workspace_id, space, first)
    second = point([0, 1], "entry", id=first.id, parent_id=parent)
    await index.upsert(workspace_id, space, [second])
    assert await index.count(workspace_id, space) == 1
    assert await index.search(workspace_id, space, [1, 0], ALL, 5) == []
    (hit,) = await index.search(workspace_id, space, [0, 1], [Reach("entry", (parent,))], 5)
    assert hit.passage_id == first.id
    assert hit.score == pytest.approx(1, abs=2e-3)


async def test_more_than_one_request_takes_are_kept_and_removed(index, kernel, workspace_id, space):
    points = [point([1, n / 100]) for n in range(600)]
    await keep(kernel, index, workspace_id, space, *points)
    assert await index.count(workspace_id, space) == 600
    await index.remove(workspace_id, space, [each.id for each in points[:550]])
    assert await index.count(workspace_id, space) == 50


async def test_what_is_removed_is_not_found_and_removing_twice_is_no_error(
    index, kernel, workspace_id, space
):
    gone, stays = point([1, 0]), point([1, 1])
    await keep(kernel, index, workspace_id, space, gone, stays)
    for _ in range(2):
        await index.remove(workspace_id, space, [gone.id, uuid4()])
    assert ids(await index.search(workspace_id, space, [1, 0], ALL, 5)) == [stays.id]
    await index.remove(workspace_id, space, [])
    assert await index.count(workspace_id, space) == 1


async def test_an_unknown_space_is_empty(index, workspace_id, space):
    assert await index.search(workspace_id, space, [1, 0], ALL, 5) == []
    assert await index.count(workspace_id, space) == 0
    await index.remove(workspace_id, space, [uuid4()])
    await index.upsert(workspace_id, space, [])
    assert [page async for page in index.points(space)] == []
    assert space not in await index.spaces()


async def test_a_question_of_another_length_finds_nothing(index, kernel, workspace_id, space):
    await keep(kernel, index, workspace_id, space, point([1, 0, 0]))
    assert await index.search(workspace_id, space, [1, 0], ALL, 5) == []


async def test_two_spaces_share_nothing(index, kernel, workspace_id, space):
    """Nor do their names, where they differ by case or by a sign alone."""
    one, two = point([1, 0]), point([1, 0, 0])
    other = space.replace(":model", ":Model")
    await keep(kernel, index, workspace_id, space, one)
    await keep(kernel, index, workspace_id, other, two)
    assert ids(await index.search(workspace_id, space, [1, 0], ALL, 5)) == [one.id]
    assert ids(await index.search(workspace_id, other, [1, 0, 0], ALL, 5)) == [two.id]
    assert {space, other} <= set(await index.spaces())
    await index.remove(workspace_id, other, [one.id])
    assert await index.count(workspace_id, space) == 1


async def test_every_point_is_given_back_whole_with_its_workspace(index, kernel, space):
    mine, theirs = await new_workspaces(kernel, 2)
    full = point([0.6, 0.8], parent_id=uuid4(), user_id=uuid4())
    bare = [point([1, n], "entry") for n in range(300)]
    await keep(kernel, index, mine, space, full)
    await keep(kernel, index, theirs, space, *bare)
    given = [pair async for page in index.points(space) for pair in page]
    assert {each.id: workspace for workspace, each in given} == {
        full.id: mine,
        **{each.id: theirs for each in bare},
    }
    (found,) = [each for workspace, each in given if workspace == mine]
    assert (found.kind, found.subject_id, found.parent_id, found.user_id) == (
        full.kind,
        full.subject_id,
        full.parent_id,
        full.user_id,
    )
    assert list(found.vector) == pytest.approx([0.6, 0.8], abs=1e-3)


class TestReach:
    """What a caller may see is what is found, and no more."""

    async def found(self, index, workspace_id, space, *reaches):
        return set(ids(await index.search(workspace_id, space, [1, 0], list(reaches), 50)))

    async def test_one_kind_is_not_another(self, index, kernel, workspace_id, space):
        document, entry = point([1, 0]), point([1, 0], "entry")
        await keep(kernel, index, workspace_id, space, document, entry)
        assert await self.found(index, workspace_id, space, Reach("entry")) == {entry.id}
        both = await self.found(index, workspace_id, space, Reach("entry"), Reach("document"))
        assert both == {document.id, entry.id}
        assert await self.found(index, workspace_id, space, Reach("message")) == set()

    async def test_none_at_all_finds_nothing(self, index, kernel, workspace_id, space):
        await keep(kernel, index, workspace_id, space, point([1, 0]))
        assert await self.found(index, workspace_id, space) == set()

    async def test_parents_and_owner(self, index, kernel, workspace_id, space):
        a, b, me, you = uuid4(), uuid4(), uuid4(), uuid4()
        in_a, in_b = point([1, 0], parent_id=a), point([1, 0], parent_id=b)
        mine = point([1, 0], parent_id=b, user_id=me)
        yours, free = point([1, 0], user_id=you), point([1, 0])
        every = {each.id for each in (in_a, in_b, mine, yours, free)}
        await keep(kernel, index, workspace_id, space, in_a, in_b, mine, yours, free)
        expected = {
            Reach("document"): every,
            Reach("document", (a,)): {in_a.id},
            Reach("document", (a, b)): {in_a.id, in_b.id, mine.id},
            Reach("document", (a,), me): {in_a.id, mine.id},
            Reach("document", None, me): {mine.id},
            Reach("document", (), me): {mine.id},
            Reach("document", ()): set(),
            Reach("document", (), uuid4()): set(),
            Reach("document", (uuid4(),)): set(),
        }
        for reach, wanted in expected.items():
            assert await self.found(index, workspace_id, space, reach) == wanted, reach

    async def test_subjects_narrow(self, index, kernel, workspace_id, space):
        a, me = uuid4(), uuid4()
        in_a, mine, free = (
            point([1, 0], parent_id=a),
            point([1, 0], user_id=me),
            point([1, 0]),
        )
        await keep(kernel, index, workspace_id, space, in_a, mine, free)
        every = (in_a.subject_id, mine.subject_id, free.subject_id)
        expected = {
            Reach("document", subjects=every): {in_a.id, mine.id, free.id},
            Reach("document", subjects=(free.subject_id,)): {free.id},
            Reach("document", (a,), me, every): {in_a.id, mine.id},
            Reach("document", (a,), me, (mine.subject_id,)): {mine.id},
            Reach("document", (a,), None, (mine.subject_id,)): set(),
            Reach("document", (), None, every): set(),
            Reach("document", subjects=()): set(),
            Reach("document", (a,), me, ()): set(),
        }
        for reach, wanted in expected.items():
            assert await self.found(index, workspace_id, space, reach) == wanted, reach
        empty, one = Reach("document", ()), Reach("document", (a,))
        assert await self.found(index, workspace_id, space, empty, one) == {in_a.id}


class TestTenants:
    async def test_the_ids_of_others_are_worth_nothing(self, index, kernel, space):
        mine, theirs = await new_workspaces(kernel, 2)
        foreign = point([1, 0], parent_id=uuid4(), user_id=uuid4())
        await keep(kernel, index, theirs, space, foreign)
        await index.remove(mine, space, [foreign.id])
        await index.upsert(mine, space, [point([0, 1], id=foreign.id)])
        (hit,) = await index.search(theirs, space, [1, 0], ALL, 5)
        assert hit.passage_id == foreign.id
        assert hit.score == pytest.approx(1, abs=2e-3)
        assert await index.count(theirs, space) == 1

    async def test_five_thousand_searches_find_nothing_of_others(self, index, kernel, space):
        """Ten thousand on the two of them."""
        chance = random.Random(5)  # noqa: S311 - it guards nothing
        tenants = await new_workspaces(kernel, 10)
        own = {}
        for tenant in tenants:
            own[tenant] = [
                point([chance.gauss(0, 1) for _ in range(4)], parent_id=uuid4(), user_id=uuid4())
                for _ in range(3)
            ]
            await keep(kernel, index, tenant, space, *own[tenant])
        owned = {tenant: {each.id for each in points} for tenant, points in own.items()}
        everyone = [each for points in own.values() for each in points]
        found = 0

        async def ask() -> None:
            nonlocal found
            tenant = chance.choice(tenants)
            some = chance.sample(everyone, 4)
            reach = Reach(
                "document",
                chance.choice([None, tuple(each.parent_id for each in some)]),
                chance.choice([None, some[0].user_id]),
                chance.choice([None, tuple(each.subject_id for each in some)]),
            )
            near = chance.choice(everyone).vector
            hits = await index.search(tenant, space, near, [reach], 100)
            assert {hit.passage_id for hit in hits} <= owned[tenant]
            found += len(hits)

        for _ in range(625):
            await asyncio.gather(*(ask() for _ in range(8)))
        assert found > 500  # there was something to find
