"""A person's own memories go with them, and come with their archive; the team's stay."""

from uuid import UUID

from sqlalchemy import func, select

from app.agents.memory.models import Memory, MemoryExtraction, MemoryRevision
from app.core.db import SYSTEM
from app.knowledge.passages.models import Passage
from app.oversight.privacy.people import Person
from app.oversight.privacy.postgres import PostgresStore
from tests.agents.memory.conftest import lives_in, remember
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.knowledge import indexed
from tests.support.privacy import downloaded, new_export, rows_of


class Counted:
    async def add(self, place, action, count, *, reason="", session=None):
        pass


async def test_an_archive_has_a_persons_memories_with_all_that_was_believed(talker, client):
    await lives_in(talker, "Linz", 0)
    await lives_in(talker, "Vienna", 9)
    export = await new_export(client, talker.person)
    archive = await downloaded(client, talker.person, export["id"])
    assert len(rows_of(archive, "memories")) == 2
    said = [row["object"] for row in rows_of(archive, "memory_revisions")]
    assert sorted(said) == ["Linz", "Linz", "Vienna"]


async def test_an_erasure_takes_a_persons_memories_and_vectors_and_leaves_the_workspaces(
    talker, client, app, kernel
):
    stays = Talker(client, await new_person(client))
    for each in (talker, stays):
        await remember(each, "The user has a canary named Kiki.")
        await remember(each, "We close at five.", scope="workspace")
        await indexed(app, each.person.workspace_id)
    erased = Person(UUID(talker.person.user_id))  # their workspace stays, as another owner's would
    store = PostgresStore(kernel.database)
    assert await store.left(erased) > 0
    await store.erase(erased, Counted())
    assert await store.left(erased) == 0
    await app.state.knowledge.indexer.catch_up()
    assert await counts(kernel, talker) == (1, 1, 1)
    assert await counts(kernel, stays) == (2, 2, 2)
    index = app.state.knowledge.index
    for each, kept in ((talker, 1), (stays, 2)):
        workspace_id = UUID(each.person.workspace_id)
        total = [await index.count(workspace_id, space) for space in await index.spaces()]
        assert sum(total) == kept


async def counts(kernel, talker):
    workspace_id = UUID(talker.person.workspace_id)
    async with kernel.database.unit(SYSTEM) as session:
        found = [
            await session.scalar(select(func.count()).where(table.workspace_id == workspace_id))
            for table in (Memory, MemoryRevision, Passage)
        ]
        nothing = select(func.count()).where(MemoryExtraction.workspace_id == workspace_id)
        assert await session.scalar(nothing) == 0
    return tuple(found)
