"""Nobody is shown what only passages tell that they may not see."""

import pytest

from app.core.paging import PageQuery
from app.knowledge.graph.entities import service as entities
from app.knowledge.graph.entities.schemas import EntityCreate, EntityQuery
from app.knowledge.graph.errors import EntityExists, EntityNotFound, RelationNotFound
from app.knowledge.graph.keys import entity_id, relation_id
from app.knowledge.graph.merges import service as merges
from app.knowledge.graph.merges.schemas import MergeCreate, SplitCreate
from app.knowledge.graph.relations import service as relations
from app.knowledge.graph.relations.schemas import RelationQuery


@pytest.fixture
def acme(desk):
    return entity_id(desk.workspace_id, "acme")


async def secret(desk, *names, **ties):
    """A passage of a collection that the viewer may not see."""
    (passage,) = await desk.put("Secret", desk.collection(is_open=False))
    await desk.tell(passage, *names, **ties)


async def test_an_entity_that_no_visible_passage_tells_of_is_not_found(desk, acme):
    await secret(desk, "Acme", "Bolt", acme="bolt")
    edge = relation_id(desk.workspace_id, acme, "knows", entity_id(desk.workspace_id, "bolt"))
    async with desk.viewing() as (session, viewer):
        with pytest.raises(EntityNotFound):
            await entities.get(session, viewer, acme)
        with pytest.raises(RelationNotFound):
            await relations.get(session, viewer, edge)
        for service, query in ((entities, EntityQuery()), (relations, RelationQuery())):
            page = await service.page(session, viewer, query, desk.kernel.cursors)
            assert page.data == []


async def test_names_counts_and_words_are_those_of_the_visible_passages(desk, acme):
    (seen,) = await desk.put("Acme", desk.collection())
    await desk.tell(seen, "Acme")
    for _ in range(3):
        await secret(desk, "ACME")
    async with desk.viewing() as (session, viewer):
        shown = await entities.get(session, viewer, acme)
        cited = await entities.contributions(
            session, viewer, acme, PageQuery(include="total"), desk.kernel.cursors
        )
        page = await entities.page(
            session, viewer, EntityQuery(min_contributions=2), desk.kernel.cursors
        )
    assert (shown.name, shown.aliases, shown.contributions) == ("Acme", [], 1)
    assert [each.passage_id for each in cited.data] == [seen]
    assert cited.total == 1
    assert page.data == []


async def test_a_name_that_was_merged_is_hidden_where_its_passages_are(desk, acme):
    (seen,) = await desk.put("Acme", desk.collection())
    await desk.tell(seen, "Acme")
    hidden = desk.collection(is_open=False)
    (passage,) = await desk.put("Project X", hidden)
    await desk.tell(passage, "Project X")
    desk.shelves.open.add(hidden)
    async with desk.viewing() as (session, viewer):
        x = entity_id(desk.workspace_id, "project x")
        await merges.merge(session, viewer, MergeCreate(**{"into": acme, "from": [x]}))
        assert (await entities.get(session, viewer, acme)).aliases == ["Project X"]
    desk.shelves.open.discard(hidden)
    async with desk.viewing() as (session, viewer):
        assert (await entities.get(session, viewer, acme)).aliases == []
        found = await entities.page(session, viewer, EntityQuery(q="project"), desk.kernel.cursors)
        assert found.data == []


async def test_a_name_that_only_hidden_passages_tell_of_can_be_made_by_hand(desk, acme):
    await secret(desk, "Acme")
    async with desk.viewing() as (session, viewer):
        made = await entities.create(session, viewer, EntityCreate(name="Acme"))
        assert (made.origin, made.contributions) == ("manual", 0)
        with pytest.raises(EntityExists):
            await entities.create(session, viewer, EntityCreate(name="acme"))


async def test_splitting_does_not_tell_whether_a_hidden_entity_has_the_name(desk, acme):
    (seen,) = await desk.put("Acme", desk.collection())
    await desk.tell(seen, "Acme")
    await secret(desk, "Project X")
    async with desk.viewing() as (session, viewer):
        (told,) = (
            await entities.contributions(session, viewer, acme, PageQuery(), desk.kernel.cursors)
        ).data
        wish = SplitCreate(contributions=[told.id], name="Project X")
        _, made = await merges.split(session, viewer, acme, wish)
        assert (made.name, made.contributions) == ("Project X", 1)


async def test_another_workspace_sees_nothing(desk, kernel, acme):
    (seen,) = await desk.put("Acme", desk.collection())
    await desk.tell(seen, "Acme")
    from tests.knowledge.graph.conftest import Desk  # noqa: PLC0415 - the fixture's own class
    from tests.support.runs import new_access  # noqa: PLC0415

    other = Desk(kernel, await new_access(kernel), desk.shelves)
    async with other.viewing() as (session, viewer):
        with pytest.raises(EntityNotFound):
            await entities.get(session, viewer, acme)
