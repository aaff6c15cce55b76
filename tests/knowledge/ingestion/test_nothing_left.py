"""What is taken in and deleted leaves exactly what there was before: rows, vectors and files."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM
from app.core.ids import new_id
from app.identity.sharing.models import Share
from app.inference.embeddings.local import LocalEmbedder
from app.knowledge.collections import document_crud
from app.knowledge.collections.models import (
    Collection,
    Document,
    DocumentVersion,
    FileRemoval,
    ReindexedPassage,
)
from app.knowledge.collections.personal import DocumentStore
from app.knowledge.ingestion import reindex_crud
from app.knowledge.ingestion.jobs import documents_job
from app.knowledge.passages.models import Passage, VectorRemoval
from app.oversight.privacy.people import Person
from tests.knowledge.ingestion.conftest import new_shelf
from tests.support.identity import new_person
from tests.support.teams import new_team

SPACE = LocalEmbedder.name
WORDS = [
    "leave",
    "nurse",
    "river",
    "stone",
    "apple",
    "window",
    "market",
    "train",
    "copper",
    "garden",
    "music",
    "letter",
]


async def state(app, shelf, *, found_only=False):
    """All of a workspace that taking documents in can have changed."""
    kernel, workspace_id = app.state.kernel, shelf.scope.workspace_id
    tables = [Passage] if found_only else [Passage, Document, DocumentVersion]
    seen = {}
    async with kernel.database.unit(SYSTEM) as session:
        for table in tables:
            rows = select(table.id).where(table.workspace_id == workspace_id)
            seen[table.__tablename__] = set(await session.scalars(rows))
        seen["removals"] = set(
            await session.scalars(
                select(VectorRemoval.passage_id).where(VectorRemoval.workspace_id == workspace_id)
            )
        )
    seen["vectors"] = await app.state.knowledge.index.count(workspace_id, SPACE)
    if not found_only:
        async with kernel.database.unit(SYSTEM) as session:
            shares = select(Share.id).where(Share.workspace_id == workspace_id)
            seen["shares"] = set(await session.scalars(shares))
        seen["files"] = {key async for key in app.state.files.keys(workspace_id)}
        async with kernel.database.unit(SYSTEM) as session:
            seen["noted"] = set(
                await session.scalars(
                    select(ReindexedPassage.passage_id).where(
                        ReindexedPassage.workspace_id == workspace_id
                    )
                )
            )
            seen["file removals"] = set(
                await session.scalars(
                    select(FileRemoval.key).where(FileRemoval.workspace_id == workspace_id)
                )
            )
    return seen


async def comes_to(app, shelf, expected, **more):
    """Wait until the jobs of the running service, too, have done what there was for them."""
    for _ in range(100):
        await app.state.knowledge.indexer.catch_up()
        if (seen := await state(app, shelf, **more)) == expected:
            return
        await asyncio.sleep(0.05)
    assert seen == expected


async def age(app, shelf):
    """Let the deleted documents' time to be restored be over."""
    async with app.state.kernel.database.unit(SYSTEM) as session:
        for table in (Document, Collection):
            await session.execute(
                update(table)
                .where(
                    table.workspace_id == shelf.scope.workspace_id, table.deleted_at.is_not(None)
                )
                .values(deleted_at=now() - RESTORABLE - timedelta(hours=2))
            )


async def purge(app, shelf):
    await age(app, shelf)
    await documents_job(app.state.kernel.database, app.state.files).run()
    await app.state.knowledge.indexer.catch_up()


@pytest.fixture
async def kept(client, app):
    """A shelf with documents that stay."""
    shelf = await new_shelf(client)
    for n in range(2):
        await shelf.add(f"# Kept {n}\n\nThis one stays where it is.", f"kept-{n}.md")
    await app.state.knowledge.indexer.catch_up()
    return shelf


@pytest.mark.parametrize("seed", range(3))
async def test_documents_that_come_and_go_leave_nothing(kept, app, seed):
    draw = random.Random(seed)  # noqa: S311 - texts, not secrets
    before, found_before = await state(app, kept), await state(app, kept, found_only=True)
    made = []
    for n in range(draw.randint(1, 4)):
        text_of = "\n\n".join(
            f"# {draw.choice(WORDS)}\n\n" + " ".join(draw.choices(WORDS, k=draw.randint(1, 400)))
            for _ in range(draw.randint(1, 4))
        )
        made.append(await kept.add(f"{text_of} {n}", f"{n}.md"))
    for document in draw.sample(made, k=draw.randint(0, len(made))):
        await kept.version(document["id"], " ".join(draw.choices(WORDS, k=50)), "next.txt")
        await kept.settled(document["id"])
    for document in made:
        gone = await kept.call("DELETE", f"/v1/documents/{document['id']}")
        assert gone.status_code == 204
        if draw.random() < 0.3:
            await kept.call("POST", f"/v1/documents/{document['id']}/restore")
            await kept.settled(document["id"])
            await kept.call("DELETE", f"/v1/documents/{document['id']}")
    await comes_to(app, kept, found_before, found_only=True)
    await purge(app, kept)
    await comes_to(app, kept, before)


async def test_a_deleted_document_is_kept_for_its_time(kept, app):
    made = await kept.add("# Gone\n\nSoon back.", "back.md")
    await kept.call("DELETE", f"/v1/documents/{made['id']}")
    await documents_job(app.state.kernel.database, app.state.files).run()
    await kept.call("POST", f"/v1/documents/{made['id']}/restore")
    assert (await kept.settled(made["id"]))["status"] == "ready"
    content = await kept.call("GET", f"/v1/documents/{made['id']}/content")
    assert content.text == "# Gone\n\nSoon back."


async def test_a_purged_collection_leaves_nothing(client, app):
    shelf = await new_shelf(client)
    before = await state(app, shelf)
    await shelf.add()
    share = {"grantee": {"type": "role", "role": "viewer"}, "level": "read"}
    assert (await shelf.call("POST", f"{shelf.path}/shares", json=share)).status_code == 201
    async with app.state.kernel.database.unit(shelf.scope) as session:
        # Of a run that never came to its end.
        workspace_id = shelf.scope.workspace_id
        await reindex_crud.note(session, workspace_id, UUID(shelf.id), SPACE, [new_id()])
    assert (await shelf.call("DELETE", shelf.path)).status_code == 204
    await purge(app, shelf)
    await comes_to(app, shelf, before)
    expired = await shelf.call("POST", f"{shelf.path}/restore")
    assert expired.status_code == 404


async def test_documents_go_before_the_collection_they_are_in(client, app):
    shelf = await new_shelf(client)
    for n in range(3):
        await shelf.add(f"Number {n}.", f"{n}.txt")
    await shelf.call("DELETE", shelf.path)
    await age(app, shelf)
    while True:
        async with app.state.kernel.database.unit(SYSTEM) as session:
            if not await document_crud.delete_expired(session, now() - RESTORABLE, 1):
                break
    async with app.state.kernel.database.unit(shelf.scope) as session:
        assert (await session.scalars(select(Document))).all() == []
        assert len((await session.scalars(select(Collection))).all()) == 1


async def test_a_workspaces_end_takes_files_and_vectors_along(client, app):
    shelf = await new_shelf(client)
    before = await state(app, shelf)
    await shelf.add()
    async with app.state.kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text("delete from workspaces where id = :id"), {"id": shelf.scope.workspace_id}
        )
    await purge(app, shelf)
    await comes_to(app, shelf, before)


async def test_a_restored_collection_is_found_as_before(client, app):
    shelf = await new_shelf(client)
    await shelf.add()
    before = await state(app, shelf)
    await shelf.call("DELETE", shelf.path)
    await shelf.call("POST", f"{shelf.path}/restore")
    await app.state.knowledge.indexer.catch_up()
    await comes_to(app, shelf, before)


class Counted:
    def __init__(self):
        self.places = {}

    async def add(self, place, action, count, *, reason="", session=None):
        self.places[place] = self.places.get(place, 0) + count


async def test_a_person_takes_their_documents_and_private_collections_along(client, app):
    host, guest = await new_person(client), await new_person(client)
    team = await new_team(client, host)
    await team.take_in(host, guest)

    async def shelf_of(person, **more):
        made = await team.call(person, "POST", "/v1/collections", {"name": "X", **more})
        return made.json()["id"]

    async def put(person, collection_id, content):
        answer = await team.call(
            person, "POST", f"/v1/collections/{collection_id}/documents?name=a.md", content=content
        )
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    shared, private = await shelf_of(guest), await shelf_of(guest, visibility="private")
    theirs = await put(guest, shared, b"By the guest.")
    secret = await put(guest, private, b"A secret of the guest.")
    others = await put(host, shared, b"By the host.")
    store = DocumentStore(app.state.kernel.database, app.state.files)
    person = Person(UUID(guest.user_id))
    exported = {}
    async for entry in store.export(person):
        exported[entry.path] = b"".join([piece async for piece in entry.pieces])
    assert exported == {
        f"documents/{theirs}/1": b"By the guest.",
        f"documents/{secret}/1": b"A secret of the guest.",
    }
    tally = Counted()
    await store.erase(person, tally)
    assert tally.places["postgres/documents"] == 2
    assert await store.left(person) == 0
    for document_id, status in ((theirs, 404), (secret, 404), (others, 200)):
        answer = await team.call(host, "GET", f"/v1/documents/{document_id}/content")
        assert answer.status_code == status
    keys = [key async for key in app.state.files.keys(UUID(team.id), "documents")]
    assert len([key for key in keys if key.endswith("original")]) == 1
