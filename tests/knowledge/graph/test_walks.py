"""Walks over what is told, by what the caller may see; and retrieval that follows it."""

from uuid import uuid4

from app.knowledge.graph.keys import entity_id
from app.knowledge.graph.walks.edges import ALL, Edge, Kind, touching
from app.knowledge.graph.walks.expanding import expand
from app.knowledge.graph.walks.near import neighbourhood
from app.knowledge.graph.walks.paths import shortest, ways
from app.knowledge.graph.walks.picture import Wish, draw


def id_of(desk, name):
    return entity_id(desk.workspace_id, name.casefold())


async def told(desk, *pairs, collection=None):
    """A passage for each pair of names, which it relates."""
    collection = collection or desk.collection()
    made = await desk.put([f"{a} knows {b}. {n}" for n, (a, b) in enumerate(pairs)], collection)
    for passage, (a, b) in zip(made, pairs, strict=True):
        await desk.tell(passage, a, b, **{a.casefold(): b.casefold()})
    return made


async def test_the_shorter_path_is_the_one_that_is_told_of_more_often(desk):
    await told(desk, ("A1", "B1"), ("B1", "C1"), *[("A1", "D1")] * 3, *[("D1", "C1")] * 3)
    async with desk.viewing() as (session, viewer):
        ends = (id_of(desk, "A1"), id_of(desk, "C1"))
        found = await shortest(session, viewer.sight, ends, kind=Kind(), hops=4, count=2)
    middles = [way[0].other(ends[0]) for way in found]
    assert middles == [id_of(desk, "D1"), id_of(desk, "B1")]


def test_a_way_of_few_edges_is_found_among_many_cheaper_ones():
    start, end = uuid4(), uuid4()
    edges = [Edge(uuid4(), start, end, "knows", 1)]
    for middle in [uuid4() for _ in range(20)]:
        edges += [
            Edge(uuid4(), start, middle, "knows", 50), Edge(uuid4(), middle, end, "knows", 50),
        ]  # fmt: skip
    assert ways(edges, (start, end), 1, 1) == [[edges[0]]]
    assert [len(way) for way in ways(edges, (start, end), 2, 2)] == [2, 2]


async def test_no_walk_goes_over_what_is_hidden(desk):
    await told(desk, ("A1", "B1"))
    hidden = desk.collection(is_open=False)
    await told(desk, ("B1", "C1"), collection=hidden)
    async with desk.viewing() as (session, viewer):
        starts = [id_of(desk, "A1")]
        found = await neighbourhood(session, viewer.sight, starts, 3, 50, Kind())
        assert set(found.distances) == {id_of(desk, "A1"), id_of(desk, "B1")}
        ends = (id_of(desk, "A1"), id_of(desk, "C1"))
        assert await shortest(session, viewer.sight, ends, kind=ALL, hops=4, count=1) == []
    desk.shelves.open.add(hidden)
    async with desk.viewing() as (session, viewer):
        assert len(await shortest(session, viewer.sight, ends, kind=ALL, hops=4, count=1)) == 1


async def test_a_walk_over_merged_entities_goes_over_both_their_edges(desk):
    from tests.knowledge.graph.test_merges import merge  # noqa: PLC0415 - as people merge

    await told(desk, ("A1", "B1"), ("B2", "C1"))
    await merge(desk, "B1", "B2")
    async with desk.viewing() as (session, viewer):
        edges = await touching(session, viewer.sight, [id_of(desk, "B1")], ALL, 10)
    assert {each.other(id_of(desk, "B1")) for each in edges} == {
        id_of(desk, "A1"), id_of(desk, "C1"),
    }  # fmt: skip


def test_two_groups_that_hardly_touch_are_two_communities():
    left, right = [uuid4() for _ in range(6)], [uuid4() for _ in range(6)]
    pairs = [(a, b) for group in (left, right) for a in group for b in group if a < b]
    edges = [Edge(uuid4(), a, b, "knows", 5) for a, b in pairs]
    edges.append(Edge(uuid4(), left[0], right[0], "knows", 1))
    drawn = draw(left + right, edges, Wish(1.0, placed=False))
    assert {drawn.communities[each] for each in left} != {drawn.communities[each] for each in right}
    assert len(set(drawn.communities.values())) == 2
    assert drawn.modularity > 0.4


def test_two_thousand_entities_are_drawn_in_bounded_time():
    import random  # noqa: PLC0415
    import time  # noqa: PLC0415

    dice = random.Random(1)  # noqa: S311
    nodes = [uuid4() for _ in range(2000)]
    pairs = {tuple(dice.sample(nodes, 2)) for _ in range(6000)}
    edges = [Edge(uuid4(), a, b, "knows", 1) for a, b in pairs]
    began = time.process_time()
    drawn = draw(nodes, edges, Wish(1.0, placed=True))
    assert len(drawn.places) == 2000
    assert time.process_time() - began < 30


async def test_expansion_finds_passages_about_the_same_and_about_what_is_beside(desk):
    seed, same, beside, far = await told(
        desk, ("Anna", "Bert"), ("Anna", "Carl"), ("Carl", "Dora"), ("Emil", "Fred")
    )
    async with desk.viewing() as (session, viewer):
        found = await expand(session, viewer.sight, [seed], hops=1)
        assert [each.passage_id for each in found] == [same, beside]
        assert found[0].score == 1.0 > found[1].score
        assert id_of(desk, "anna") in found[0].entity_ids
        none = await expand(session, viewer.sight, [seed], hops=0)
        assert [each.passage_id for each in none] == [same]
        by_entity = await expand(
            session, viewer.sight, [], entity_ids=[id_of(desk, "Emil")], hops=0
        )
        assert [each.passage_id for each in by_entity] == [far]


async def test_expansion_stays_within_what_the_caller_may_see(desk):
    (seed,) = await told(desk, ("Anna", "Bert"))
    await told(desk, ("Anna", "Carl"), collection=desk.collection(is_open=False))
    async with desk.viewing() as (session, viewer):
        assert await expand(session, viewer.sight, [seed], hops=2) == []
