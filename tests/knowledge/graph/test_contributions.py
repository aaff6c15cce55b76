"""What passages tell, and what is left when they are gone."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import RESTORABLE
from app.core.paging import PageQuery
from app.knowledge.graph.entities import service as entities
from app.knowledge.graph.entities.schemas import EntityCreate, EntityQuery, EntityUpdate
from app.knowledge.graph.extraction.jobs import sweep
from app.knowledge.graph.findings import Findings, Mention
from app.knowledge.graph.keys import entity_id
from app.knowledge.graph.merges import service as merges
from app.knowledge.graph.merges.schemas import MergeCreate
from app.knowledge.graph.models import GraphEntity, GraphMerge
from app.knowledge.graph.purging import purge_job
from app.knowledge.graph.relations import service as relations
from app.knowledge.graph.relations.schemas import RelationCreate, RelationQuery
from app.knowledge.graph.telling import tell


async def listed(desk, **query):
    async with desk.viewing() as (session, viewer):
        page = await entities.page(session, viewer, EntityQuery(**query), desk.kernel.cursors)
        return {each.name: each for each in page.data}


async def related(desk, **query):
    async with desk.viewing() as (session, viewer):
        page = await relations.page(session, viewer, RelationQuery(**query), desk.kernel.cursors)
        return {(each.source.name, each.type, each.target.name): each for each in page.data}


async def test_an_entity_counts_the_passages_that_tell_of_it(desk):
    collection = desk.collection()
    one, two = await desk.put(["Acme met Bolt.", "ACME again."], collection)
    await desk.tell(one, "Acme", "Bolt", acme="bolt")
    await desk.tell(two, "Acme")
    found = await listed(desk)
    assert {name: each.contributions for name, each in found.items()} == {"Acme": 2, "Bolt": 1}
    edges = await related(desk)
    assert [(ends, each.weight) for ends, each in edges.items()] == [(("Acme", "knows", "Bolt"), 1)]


async def test_the_name_is_the_one_most_often_told_and_the_others_are_aliases(desk):
    collection = desk.collection()
    passages = await desk.put(["1", "2", "3"], collection)
    for passage, name in zip(passages, ("ACME", "Acme", "Acme"), strict=True):
        await desk.tell(passage, name)
    (acme,) = (await listed(desk)).values()
    assert (acme.name, acme.aliases) == ("Acme", ["ACME"])


async def test_deleting_a_document_leaves_exactly_what_was_there_before(desk):
    collection, document = desk.collection(), uuid4()
    (first,) = await desk.put("Acme met Bolt.", collection)
    await desk.tell(first, "Acme", "Bolt", acme="bolt")
    before = await desk.state()
    one, two = await desk.put(["Acme met Bolt and Crane.", "Crane"], collection, document)
    await desk.tell(one, "ACME", "Bolt", "Crane", acme="bolt", bolt="crane")
    await desk.tell(two, "Crane")
    assert await desk.state() != before
    await desk.remove(document)
    assert await desk.state() == before


async def test_a_passage_that_is_told_again_tells_nothing_twice(desk):
    (passage,) = await desk.put("Acme met Bolt.", desk.collection())
    for _ in range(2):
        await desk.tell(passage, "Acme", "Bolt", acme="bolt")
    before = await desk.state()
    await desk.tell(passage, "Acme")
    after = await desk.state()
    assert len(before["contributions"]) == 3
    assert [name for *_, name in after["contributions"]] == ["Acme"]
    assert len(after["entities"]) == 1


async def test_what_was_made_by_hand_stays_when_nothing_tells_of_it(desk):
    document = uuid4()
    (passage,) = await desk.put("Acme met Bolt.", desk.collection(), document)
    await desk.tell(passage, "Acme")
    async with desk.viewing() as (session, viewer):
        bolt = await entities.create(session, viewer, EntityCreate(name="Bolt"))
        acme = entity_id(desk.workspace_id, "acme")
        tie = RelationCreate(source_id=acme, target_id=bolt.entity.id, type="owns")
        await relations.create(session, viewer, tie)
    assert set(await related(desk)) == {("Acme", "owns", "Bolt")}
    await desk.remove(document)
    assert set(await listed(desk)) == {"Bolt"}
    # Its other end is told of by nothing, and comes back with it.
    assert await related(desk) == {}
    (passage,) = await desk.put("Acme", desk.collection(), document)
    await desk.tell(passage, "Acme")
    assert set(await related(desk)) == {("Acme", "owns", "Bolt")}


async def test_what_is_set_by_hand_goes_before_what_is_told_until_it_is_taken_back(desk):
    (passage,) = await desk.put("Acme", desk.collection())
    await desk.tell(passage, "Acme")
    acme = entity_id(desk.workspace_id, "acme")
    async with desk.viewing() as (session, viewer):
        change = EntityUpdate(name="Acme Inc.", type="organization")
        changed = await entities.update(session, viewer, acme, change)
        assert (changed.name, changed.type, changed.aliases) == (
            "Acme Inc.",
            "organization",
            ["Acme"],
        )
        taken = await entities.update(session, viewer, acme, EntityUpdate(name=None, type=None))
        assert (taken.name, taken.type) == ("Acme", "name")


async def test_what_was_deleted_by_hand_can_be_made_again(desk):
    (passage,) = await desk.put("Acme met Bolt.", desk.collection())
    await desk.tell(passage, "Acme", "Bolt", acme="bolt")
    acme, bolt = (entity_id(desk.workspace_id, name) for name in ("acme", "bolt"))
    tie = RelationCreate(source_id=acme, target_id=bolt, type="knows")
    async with desk.viewing() as (session, viewer):
        (told,) = (await relations.page(session, viewer, RelationQuery(), desk.kernel.cursors)).data
        await relations.delete(session, viewer, told.relation.id)
        assert (await relations.create(session, viewer, tie)).origin == "manual"
        await entities.delete(session, viewer, acme)
        made = await entities.create(session, viewer, EntityCreate(name="ACME"))
        assert (made.entity.id, made.origin) == (acme, "manual")
    assert set(await related(desk)) == {("ACME", "knows", "Bolt")}


async def test_what_was_deleted_by_hand_is_gone_for_good_after_its_time(desk):
    collection = desk.collection()
    one, two = await desk.put(["Acme met Bolt.", "Bolt met Crane."], collection)
    await desk.tell(two, "Bolt", "Crane", bolt="crane")
    before = await desk.state()
    await desk.tell(one, "Acme", "Acme Ltd", "Bolt", acme="bolt")
    acme, limited = (entity_id(desk.workspace_id, name) for name in ("acme", "acme ltd"))
    async with desk.viewing() as (session, viewer):
        wish = MergeCreate(**{"into": acme, "from": [limited]})
        await merges.merge(session, viewer, wish)
        await entities.delete(session, viewer, acme)
    deleted = await desk.state()
    await purge_job(desk.kernel.database).run()
    assert await desk.state() == deleted
    async with desk.unit() as session:
        expired = now() - RESTORABLE - timedelta(hours=2)
        await session.execute(
            update(GraphEntity).where(GraphEntity.id == acme).values(deleted_at=expired)
        )
    await purge_job(desk.kernel.database).run()
    after = await desk.state()
    assert (after["entities"], after["relations"]) == (before["entities"], before["relations"])
    assert {name for *_, name in after["contributions"]} == {"Bolt", "Crane", ""}
    async with desk.unit() as session:
        assert (await session.scalars(select(GraphMerge))).all() == []


async def test_lists_are_filtered(desk):
    collection, other = desk.collection(), desk.collection()
    one, two = await desk.put(["Acme", "Acme"], collection)
    (three,) = await desk.put("Bolt", other)
    for passage, name in ((one, "Acme"), (two, "Acme"), (three, "Bolt Ltd")):
        await desk.tell(passage, name)
    assert set(await listed(desk, min_contributions=2)) == {"Acme"}
    assert set(await listed(desk, q="olt l")) == set(await listed(desk, q="ÓLT")) == {"Bolt Ltd"}
    assert set(await listed(desk, parent_id=other)) == {"Bolt Ltd"}
    assert set(await listed(desk, type="name")) == {"Acme", "Bolt Ltd"}
    assert set(await listed(desk, type="person")) == set()


async def test_an_entity_cites_its_passages(desk):
    collection = desk.collection()
    (passage,) = await desk.put("Acme makes anvils.", collection)
    await desk.tell(passage, "Acme")
    async with desk.viewing() as (session, viewer):
        acme = entity_id(desk.workspace_id, "acme")
        page = await entities.contributions(session, viewer, acme, PageQuery(), desk.kernel.cursors)
    (cited,) = page.data
    assert (cited.passage_id, cited.parent_id, cited.quote) == (
        passage, collection, "Acme makes anvils.",
    )  # fmt: skip
    assert cited.spans == [{"start": 0, "end": 4}]


async def test_deleting_waits_for_nobody_and_what_was_held_is_looked_at_again(desk):
    document = uuid4()
    one, two = await desk.put(["Acme", "Bolt"], desk.collection(), document)
    (other,) = await desk.put("Acme", desk.collection())
    await desk.tell(one, "Acme", "Bolt", acme="bolt")
    await desk.tell(two, "Bolt")
    told = Findings([Mention("acme", "Acme", "name")])

    async def hold_and_give_up():
        async with desk.unit() as session:
            await tell(session, desk.workspace_id, other, "rules", "1", told)
            async with asyncio.timeout(30):
                await desk.remove(document)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await hold_and_give_up()
    assert {key for _, key, *_ in (await desk.state())["entities"]} == {"acme"}
    assert await listed(desk) == {}
    await sweep(desk.kernel.database)
    assert not any((await desk.state()).values())


async def test_what_is_told_while_it_is_deleted_elsewhere_stays(desk):
    document = uuid4()
    (one,) = await desk.put("Acme", desk.collection(), document)
    (other,) = await desk.put("Acme", desk.collection())
    await desk.tell(one, "Acme")
    told = Findings([Mention("acme", "Acme", "name")])
    async with desk.unit() as session:
        await tell(session, desk.workspace_id, other, "rules", "1", told)
        await desk.remove(document)
    await sweep(desk.kernel.database)
    assert (await listed(desk))["Acme"].contributions == 1


async def test_a_passage_that_is_gone_is_told_of_by_nothing(desk):
    document = uuid4()
    (one,) = await desk.put("Acme", desk.collection(), document)
    await desk.remove(document)
    async with desk.unit() as session:
        told = Findings([Mention("acme", "Acme", "name")])
        assert not await tell(session, desk.workspace_id, one, "rules", "1", told)
    assert not any((await desk.state()).values())
