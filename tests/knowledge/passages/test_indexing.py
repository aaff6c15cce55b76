"""Passages get their vectors, and lose them: after any writing, in step with what they are of."""

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import delete, func, select

from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.core.vectors import VectorsAway
from app.identity.workspaces.models import Workspace
from app.knowledge.passages import crud, service
from app.knowledge.passages.draft import Draft, Subject
from app.knowledge.passages.indexer import JOB, Indexer
from app.knowledge.passages.models import Passage, VectorRemoval
from app.knowledge.vectors.index import Reach
from app.knowledge.vectors.qdrant import QdrantIndex
from app.knowledge.vectors.spaces import collection_of
from tests.support.identity import new_person
from tests.support.jobs import by_hand

FROG = Draft("Frogs live in ponds and eat flies.")
CAKE = Draft("Bake the cake at 180 degrees for an hour.", heading="Baking")
RIVER = Draft("The river rises in the mountains.")


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def indexed_by_hand(kernel):
    async with by_hand(kernel, JOB):
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def knowledge(app, kernel):
    return app.state.knowledge


@pytest_asyncio.fixture(loop_scope="session")
async def subject(client):
    person = await new_person(client)
    return Subject(
        UUID(person.workspace_id), "document", new_id(), UUID(person.user_id), parent_id=new_id()
    )


async def put(kernel, subject, *drafts):
    async with kernel.database.unit(Scope(subject.workspace_id)) as session:
        return await service.put(session, subject, drafts)


async def passages_of(kernel, subject):
    async with kernel.database.unit(Scope(subject.workspace_id)) as session:
        return await crud.of_subject(session, subject.workspace_id, subject.kind, subject.id)


async def found(knowledge, kernel, subject, text):
    """The texts of the passages nearest to a text."""
    space = (await knowledge.indexer._embedders.of(None, None)).name
    embedder = await knowledge.indexer._embedders.of(None, None)
    (vector,) = await embedder.embed([text])
    reach = Reach("document", parents=(subject.parent_id,))
    hits = await knowledge.index.search(subject.workspace_id, space, vector, [reach], 10)
    texts = {each.id: each.text for each in await passages_of(kernel, subject)}
    return [texts.get(hit.passage_id) for hit in hits]


async def test_what_was_put_is_found_by_its_meaning(knowledge, kernel, subject):
    assert await put(kernel, subject, FROG, CAKE) == 2
    await knowledge.indexer.catch_up()
    assert (await found(knowledge, kernel, subject, "an amphibian in the water"))[0] == FROG.text
    assert (await found(knowledge, kernel, subject, "how long in the oven"))[0] == CAKE.text
    assert all(each.due_at is None for each in await passages_of(kernel, subject))


async def test_what_stays_keeps_its_vector_and_the_rest_goes(knowledge, kernel, subject):
    await put(kernel, subject, FROG, CAKE)
    await knowledge.indexer.catch_up()
    before = {each.text: each.id for each in await passages_of(kernel, subject)}
    assert await put(kernel, subject, CAKE, RIVER) == 1
    await knowledge.indexer.catch_up()
    after = {each.text: each.id for each in await passages_of(kernel, subject)}
    assert after[CAKE.text] == before[CAKE.text]
    assert [each.ordinal for each in await passages_of(kernel, subject)] == [0, 1]
    found_now = await found(knowledge, kernel, subject, "anything")
    assert sorted(found_now) == sorted([CAKE.text, RIVER.text])


async def test_a_text_that_stands_twice_is_kept_twice(knowledge, kernel, subject):
    await put(kernel, subject, FROG, FROG)
    await knowledge.indexer.catch_up()
    assert await found(knowledge, kernel, subject, FROG.text) == [FROG.text, FROG.text]
    assert await put(kernel, subject, FROG) == 0
    await knowledge.indexer.catch_up()
    assert await found(knowledge, kernel, subject, FROG.text) == [FROG.text]


async def test_what_is_removed_leaves_no_vector(knowledge, kernel, subject):
    space = knowledge.indexer._embedders.local.name
    await put(kernel, subject, FROG, CAKE)
    await knowledge.indexer.catch_up()
    assert await knowledge.index.count(subject.workspace_id, space) == 2
    async with kernel.database.unit(Scope(subject.workspace_id)) as session:
        await service.remove(session, subject.workspace_id, subject.kind, subject.id)
    await knowledge.indexer.catch_up()
    assert await knowledge.index.count(subject.workspace_id, space) == 0
    assert await removals(kernel, subject) == 0


async def test_vectors_go_with_their_workspace(knowledge, kernel, subject):
    space = knowledge.indexer._embedders.local.name
    await put(kernel, subject, FROG)
    await knowledge.indexer.catch_up()
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(delete(Workspace).where(Workspace.id == subject.workspace_id))
    await knowledge.indexer.catch_up()
    assert await knowledge.index.count(subject.workspace_id, space) == 0


async def test_passages_wait_while_the_store_is_away_and_go_on_by_themselves(
    knowledge, kernel, subject, monkeypatch
):
    with store_away(knowledge, monkeypatch):
        await put(kernel, subject, FROG)
        await knowledge.indexer.catch_up()
        (passage,) = await passages_of(kernel, subject)
        assert (passage.space, passage.error, passage.attempts) == (None, "vectors_away", 1)
    monkeypatch.setattr("app.knowledge.passages.crud.now", lambda: passage.due_at)
    await knowledge.indexer.catch_up()
    assert await found(knowledge, kernel, subject, "frogs") == [FROG.text]
    (passage,) = await passages_of(kernel, subject)
    assert (passage.error, passage.attempts) == (None, 0)


async def test_a_passage_that_changed_while_it_was_embedded_is_embedded_again(
    knowledge, kernel, subject, monkeypatch
):
    """The vector of what is not there any more is taken away again."""
    await put(kernel, subject, FROG)
    upsert = type(knowledge.index).upsert

    async def upsert_late(self, workspace_id, space, points):
        await upsert(self, workspace_id, space, points)
        monkeypatch.undo()
        await put(kernel, subject, RIVER)

    monkeypatch.setattr(type(knowledge.index), "upsert", upsert_late)
    await knowledge.indexer.catch_up()
    await knowledge.indexer.catch_up()
    assert await found(knowledge, kernel, subject, "water") == [RIVER.text]
    assert await removals(kernel, subject) == 0


async def test_a_passage_that_was_moved_while_it_was_embedded_is_embedded_again(
    knowledge, kernel, subject, monkeypatch
):
    """Or it would be looked for where it was."""
    await put(kernel, subject, FROG)
    moved = replace(subject, parent_id=new_id())
    upsert = type(knowledge.index).upsert

    async def upsert_late(self, workspace_id, space, points):
        await upsert(self, workspace_id, space, points)
        monkeypatch.undo()
        await put(kernel, moved, FROG)

    monkeypatch.setattr(type(knowledge.index), "upsert", upsert_late)
    for _ in range(3):
        await knowledge.indexer.catch_up()
    assert await found(knowledge, kernel, subject, "frogs") == []
    assert await found(knowledge, kernel, moved, "frogs") == [FROG.text]


class Lengths:
    """Has an embedder of one model, whose vectors may come to have another length."""

    dimensions = None

    def __init__(self):
        self.name = f"{uuid4()}:model"
        self.length = 2

    async def cached(self, _payer, _model):
        return self

    async def embed(self, texts, _purpose="document"):
        return [[1.0] + [0.0] * (self.length - 1) for _ in texts]


@pytest_asyncio.fixture(loop_scope="session")
async def indexer(kernel):
    """One with a model, and a collection in Qdrant, of its own."""
    return Indexer(kernel.database, Lengths(), QdrantIndex(kernel.vectors))


async def embed_all(indexer, subject):
    return await indexer.embed_subject(subject.workspace_id, subject.kind, subject.id)


async def test_what_a_lost_collection_held_is_embedded_again_with_the_next_passage(
    indexer, kernel, subject
):
    other = replace(subject, id=new_id())
    await put(kernel, subject, FROG, CAKE)
    assert await embed_all(indexer, subject) == (0, None)
    await (await kernel.vectors.client()).delete_collection(collection_of(indexer._embedders.name))
    await put(kernel, other, RIVER)
    again = Indexer(kernel.database, indexer._embedders, QdrantIndex(kernel.vectors))
    assert await embed_all(again, other) == (0, None)
    assert await embed_all(again, subject) == (0, None)
    assert await again._index.count(subject.workspace_id, indexer._embedders.name) == 3


async def test_a_model_that_changed_the_length_of_its_vectors_is_named_as_the_reason(
    indexer, kernel, subject
):
    other = replace(subject, id=new_id())
    await put(kernel, subject, FROG)
    assert await embed_all(indexer, subject) == (0, None)
    indexer._embedders.length = 3
    await put(kernel, other, RIVER)
    assert await embed_all(indexer, other) == (1, "embedding_length_changed")


@contextmanager
def store_away(knowledge, monkeypatch):
    async def away(*_args):
        raise VectorsAway("nobody there")

    with monkeypatch.context() as patch:
        patch.setattr(type(knowledge.index), "upsert", away)
        yield


async def removals(kernel, subject):
    async with kernel.database.unit(Scope(subject.workspace_id)) as session:
        counted = select(func.count()).select_from(VectorRemoval)
        return await session.scalar(
            counted.where(VectorRemoval.workspace_id == subject.workspace_id)
        )


@pytest.mark.parametrize("text", ["", "a" * 50_000, "\x7f﷽\u202e 👩‍👩‍👧"])
async def test_any_text_can_be_kept(knowledge, kernel, subject, text):
    await put(kernel, subject, Draft(text, title="T"))
    await knowledge.indexer.catch_up()
    (passage,) = await passages_of(kernel, subject)
    assert passage.space is not None


async def test_an_owner_pays_for_what_someone_who_is_gone_has_left(knowledge, kernel, subject):
    gone = replace(subject, created_by_id=new_id(), embedding_model="somewhere/else")
    here = replace(gone, id=new_id(), created_by_id=subject.created_by_id)
    for each in (gone, here):
        await put(kernel, each, FROG)
        (passage,) = await passages_of(kernel, each)
        assert await knowledge.indexer._payer_of(passage) == subject.created_by_id


async def test_no_other_workspace_sees_a_passage(knowledge, kernel, subject, client):
    await put(kernel, subject, FROG)
    stranger = await new_person(client)
    async with kernel.database.unit(Scope(UUID(stranger.workspace_id))) as session:
        assert (await session.scalars(select(Passage))).all() == []


async def test_who_changes_several_passages_locks_them_in_one_order(kernel, subject):
    """Else each of two has a passage that the other one waits for."""
    await put(kernel, subject, FROG, CAKE)
    await put(kernel, subject, CAKE, FROG)
    first, last = sorted(await passages_of(kernel, subject), key=lambda each: each.id)
    where = (subject.workspace_id, subject.kind, subject.id)
    changes = (
        lambda session: crud.mark_embedded(session, [last, first], "space"),
        lambda session: crud.postpone(session, [last, first], now(), "away"),
        lambda session: crud.retitle(session, *where, "Other"),
        lambda session: service.put(session, subject, [RIVER, CAKE]),
        lambda session: crud.delete_subject(session, *where),
    )
    scope = Scope(subject.workspace_id)
    for change in changes:
        async with kernel.database.unit(scope) as other, kernel.database.unit(scope) as session:
            pid = await session.scalar(select(func.pg_backend_pid()))
            one = select(Passage.id).where(Passage.id == first.id).with_for_update()
            assert await other.scalar(one) == first.id
            changing = asyncio.create_task(change(session))
            async with asyncio.timeout(30):
                blocking = select(func.cardinality(func.pg_blocking_pids(pid)))
                while not await other.scalar(blocking):  # noqa: ASYNC110 - Postgres says it
                    await asyncio.sleep(0.01)
            another = select(Passage.id).where(Passage.id == last.id)
            assert await other.scalar(another.with_for_update(nowait=True)) == last.id
            await other.commit()
            await changing
            await session.rollback()
