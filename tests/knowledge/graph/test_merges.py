"""Merging, splitting, and undoing both."""

from uuid import uuid4

import pytest

from app.core.paging import PageQuery
from app.knowledge.graph.entities import service as entities
from app.knowledge.graph.errors import MergeBlocked, MergeInvalid, MergeNotFound
from app.knowledge.graph.keys import entity_id, key_of
from app.knowledge.graph.merges import service as merges
from app.knowledge.graph.merges.schemas import (
    MergeCreate,
    MergeQuery,
    SplitCreate,
    SuggestionQuery,
)
from app.knowledge.graph.merges.suggesting import suggest
from app.knowledge.graph.relations import service as relations
from app.knowledge.graph.relations.schemas import RelationQuery


def id_of(desk, name):
    return entity_id(desk.workspace_id, key_of(name))


async def merge(desk, into, *parts):
    async with desk.viewing() as (session, viewer):
        wish = MergeCreate(**{"into": id_of(desk, into), "from": [id_of(desk, p) for p in parts]})
        done, _ = await merges.merge(session, viewer, wish)
        return done.id


async def undo(desk, merge_id):
    async with desk.viewing() as (session, viewer):
        return await merges.undo(session, viewer, merge_id)


async def shown(desk, name):
    async with desk.viewing() as (session, viewer):
        return await entities.get(session, viewer, id_of(desk, name))


async def edges(desk):
    async with desk.viewing() as (session, viewer):
        page = await relations.page(session, viewer, RelationQuery(), desk.kernel.cursors)
        return {(each.source.name, each.target.name): each.weight for each in page.data}


async def mentions(desk, name):
    async with desk.viewing() as (session, viewer):
        page = await entities.contributions(
            session, viewer, id_of(desk, name), PageQuery(), desk.kernel.cursors
        )
        return page.data


async def three(desk):
    """Acme and Acme Corp, which both know Bolt."""
    one, two = await desk.put(["Acme knows Bolt.", "Acme Corp knows Bolt."], desk.collection())
    await desk.tell(one, "Acme", "Bolt", acme="bolt")
    await desk.tell(two, "Acme Corp", "Bolt", **{"acme corp": "bolt"})
    return one, two


async def test_merged_entities_are_one_with_one_edge_that_counts_for_both(desk):
    await three(desk)
    await merge(desk, "Acme", "Acme Corp")
    whole = await shown(desk, "Acme Corp")
    assert (whole.entity.id, whole.aliases, whole.contributions) == (
        id_of(desk, "Acme"), ["Acme Corp"], 2,
    )  # fmt: skip
    assert await edges(desk) == {("Acme", "Bolt"): 2}


async def test_undo_restores_every_row(desk):
    await three(desk)
    before = await desk.state()
    done = await merge(desk, "Acme", "Acme Corp", "Bolt")
    assert await edges(desk) == {}
    assert (await undo(desk, done)).undone_at is not None
    assert await desk.state() == before
    assert (await undo(desk, done)).undone_by_id == desk.access.user_id


async def test_what_is_told_later_follows_the_merge_and_goes_home_with_its_undoing(desk):
    await three(desk)
    done = await merge(desk, "Acme", "Acme Corp")
    (later,) = await desk.put("Acme Corp knows Crane.", desk.collection())
    await desk.tell(later, "Acme Corp", "Crane", **{"acme corp": "crane"})
    assert (await shown(desk, "Acme")).contributions == 3
    assert await edges(desk) == {("Acme", "Bolt"): 2, ("Acme", "Crane"): 1}
    await undo(desk, done)
    assert (await shown(desk, "Acme")).contributions == 1
    assert (await shown(desk, "Acme Corp")).contributions == 2
    assert await edges(desk) == {
        ("Acme", "Bolt"): 1, ("Acme Corp", "Bolt"): 1, ("Acme Corp", "Crane"): 1,
    }  # fmt: skip


async def test_a_merge_outlives_the_documents_that_it_was_made_about(desk):
    collection, document = desk.collection(), uuid4()
    one, two = await desk.put(["Acme", "Acme Corp"], collection, document)
    await desk.tell(one, "Acme")
    await desk.tell(two, "Acme Corp")
    done = await merge(desk, "Acme", "Acme Corp")
    await desk.remove(document)
    (again,) = await desk.put("Acme Corp", collection, document)
    await desk.tell(again, "Acme Corp")
    assert (await shown(desk, "Acme Corp")).entity.id == id_of(desk, "Acme")
    await undo(desk, done)
    assert (await shown(desk, "Acme Corp")).entity.id == id_of(desk, "Acme Corp")
    # And nothing is left of the name that nothing tells of.
    assert {key for _, key, *_ in (await desk.state())["entities"]} == {"acme corp"}


async def test_merges_are_undone_in_any_order(desk):
    passages = await desk.put(["a", "b", "c"], desk.collection())
    for passage, name in zip(passages, ("Alpha", "Beta", "Gamma"), strict=True):
        await desk.tell(passage, name)
    before = await desk.state()
    first = await merge(desk, "Beta", "Alpha")
    second = await merge(desk, "Gamma", "Beta")
    assert (await shown(desk, "Alpha")).entity.id == id_of(desk, "Gamma")
    await undo(desk, first)
    assert (await shown(desk, "Alpha")).entity.id == id_of(desk, "Alpha")
    assert (await shown(desk, "Beta")).entity.id == id_of(desk, "Gamma")
    await undo(desk, second)
    assert await desk.state() == before


async def test_a_merged_name_is_split_off_again_and_that_is_undone(desk):
    await three(desk)
    done = await merge(desk, "Acme", "Acme Corp")
    merged = await desk.state()
    async with desk.viewing() as (session, viewer):
        wish = SplitCreate(aliases=["Acme Corp"], name="The other Acme")
        apart, new = await merges.split(session, viewer, id_of(desk, "Acme"), wish)
        assert (new.name, new.contributions) == ("The other Acme", 1)
        with pytest.raises(MergeInvalid):
            await merges.split(session, viewer, id_of(desk, "Acme"), SplitCreate(aliases=["Acme"]))
    assert await edges(desk) == {("Acme", "Bolt"): 1, ("The other Acme", "Bolt"): 1}
    with pytest.raises(MergeBlocked):
        await undo(desk, done)
    await undo(desk, apart.id)
    assert await desk.state() == merged


async def test_contributions_that_mean_another_thing_move_with_their_edges_and_back(desk):
    one, two = await desk.put(["Mercury orbits Sol.", "Mercury is in Acme."], desk.collection())
    await desk.tell(one, "Mercury", "Sol", mercury="sol")
    await desk.tell(two, "Mercury", "Acme", mercury="acme")
    before = await desk.state()
    (planet,) = [each for each in await mentions(desk, "Mercury") if each.passage_id == one]
    async with desk.viewing() as (session, viewer):
        wish = SplitCreate(contributions=[planet.id], name="Mercury (planet)", type="planet")
        done, new = await merges.split(session, viewer, id_of(desk, "Mercury"), wish)
        assert (new.name, new.type, new.contributions) == ("Mercury (planet)", "planet", 1)
    assert await edges(desk) == {("Mercury (planet)", "Sol"): 1, ("Mercury", "Acme"): 1}
    (later,) = await desk.put("Mercury again.", desk.collection())
    await desk.tell(later, "Mercury")
    assert (await shown(desk, "Mercury")).contributions == 2
    await undo(desk, done.id)
    after = await desk.state()
    assert {row for row in after["contributions"] if row[0] != later} == before["contributions"]
    assert (after["entities"], after["relations"]) == (before["entities"], before["relations"])


async def test_what_was_split_off_stays_there_when_its_passage_is_read_again(desk):
    one, two = await desk.put(["Mercury orbits Sol.", "Mercury is in Acme."], desk.collection())
    await desk.tell(one, "Mercury", "Sol", mercury="sol")
    await desk.tell(two, "Mercury", "Acme", mercury="acme")
    before = await desk.state()
    (planet,) = [each for each in await mentions(desk, "Mercury") if each.passage_id == one]
    async with desk.viewing() as (session, viewer):
        wish = SplitCreate(contributions=[planet.id], name="Mercury (planet)")
        done, _ = await merges.split(session, viewer, id_of(desk, "Mercury"), wish)
    apart = await desk.state()
    await desk.tell(one, "Mercury", "Sol", mercury="sol")
    assert await desk.state() == apart
    assert await edges(desk) == {("Mercury (planet)", "Sol"): 1, ("Mercury", "Acme"): 1}
    await undo(desk, done.id)
    assert await desk.state() == before


async def test_merges_of_what_is_hidden_are_not_even_counted(desk):
    hidden = desk.collection()
    for name in ("Alpha", "Beta"):
        (passage,) = await desk.put(name, hidden)
        await desk.tell(passage, name)
    done = await merge(desk, "Alpha", "Beta")
    query = MergeQuery(include="total")
    async with desk.viewing() as (session, viewer):
        page = await merges.page(session, viewer, query, desk.kernel.cursors)
        assert ([each.id for each in page.data], page.total) == ([done], 1)
    desk.shelves.open.discard(hidden)
    async with desk.viewing() as (session, viewer):
        page = await merges.page(session, viewer, query, desk.kernel.cursors)
        assert (page.data, page.total) == ([], 0)
        with pytest.raises(MergeNotFound):
            await merges.find(session, viewer, done)


async def test_near_names_are_suggested_with_what_both_are_related_to(desk):
    await three(desk)
    names = ("International Business Machines", "IBM", "Bolts", "Windows 10", "Windows 11")
    for name in names:
        (passage,) = await desk.put(name, desk.collection())
        await desk.tell(passage, name)
    async with desk.viewing() as (session, viewer):
        query = SuggestionQuery(least=0.8)
        page = await suggest(session, viewer.sight, query, desk.kernel.cursors)
    found = {(s.into.name, s.from_.name): s for s in page.data}
    reasons = {frozenset(pair): each.reason for pair, each in found.items()}
    assert reasons == {
        frozenset({"Acme", "Acme Corp"}): "same_name",
        frozenset({"Bolt", "Bolts"}): "near_name",
        frozenset({"International Business Machines", "IBM"}): "abbreviation",
    }
    (same,) = [each for each in page.data if each.reason == "same_name"]
    assert [each.name for each in same.shared_neighbours] == ["Bolt"]
