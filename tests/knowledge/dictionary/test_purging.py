"""What was deleted too long ago to be restored leaves nothing, and changes nothing of the rest."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM, Scope
from app.core.purging import MARGIN
from app.knowledge.dictionary.jobs import dictionaries_job
from app.knowledge.dictionary.models import Dictionary, Entry, Relation, Revision, Term
from app.knowledge.passages.models import Passage
from tests.knowledge.dictionary.conftest import term


@pytest.fixture
def workspace_id(keeper):
    return UUID(keeper.person.workspace_id)


@pytest.fixture
def count(kernel, workspace_id):
    async def counted():
        tables = (Dictionary, Entry, Term, Relation, Revision, Passage)
        async with kernel.database.unit(Scope(workspace_id)) as session:
            return [
                await session.scalar(select(func.count()).where(table.workspace_id == workspace_id))
                for table in tables
            ]

    return counted


@pytest.fixture
def purge(kernel, workspace_id):
    async def purged(*, age=RESTORABLE + 2 * MARGIN):
        """Run the job as if what is deleted now had been deleted so long ago."""
        async with kernel.database.unit(SYSTEM) as session:
            for table in (Entry, Dictionary):
                await session.execute(
                    update(table)
                    .where(table.workspace_id == workspace_id, table.deleted_at.is_not(None))
                    .values(deleted_at=now() - age)
                )
        await dictionaries_job(kernel.database).run()

    return purged


async def test_an_entry_leaves_nothing_and_its_neighbours_as_they_were(keeper, count, purge):
    old = await keeper.add(term("sign on"), status="approved")
    before = await count()
    new = await keeper.add(term("sign in"), status="approved")
    old = await keeper.do(old["id"], "deprecate", {"replaced_by_id": new["id"]})
    before[4] += 1
    await keeper.ask("DELETE", f"{keeper.entries}/{new['id']}")
    await purge(age=RESTORABLE - timedelta(days=1))
    assert await count() != before
    await purge()
    assert await count() == before
    assert await keeper.refused("POST", f"{keeper.entries}/{new['id']}/restore") == (
        404,
        "entry_not_found",
    )
    left = await keeper.show(old["id"])
    assert (left["replaced_by_id"], left["version"]) == (None, old["version"])
    assert (await keeper.done("GET", f"{keeper.entries}/{old['id']}/diff"))["to_version"] == 2


async def test_a_dictionary_goes_with_its_entries(keeper, count, purge):
    before = await count()
    made = await keeper.made("/v1/dictionaries", {"slug": "others"})
    body = {"dictionary_id": made["id"], "terms": [term("alpha")], "status": "approved"}
    first = await keeper.made(keeper.entries, body)
    relation = {"kind": "related", "target_id": first["id"]}
    await keeper.made(keeper.entries, {**body, "relations": [relation]})
    await keeper.ask("DELETE", f"/v1/dictionaries/{made['id']}")
    await purge()
    assert await count() == before
