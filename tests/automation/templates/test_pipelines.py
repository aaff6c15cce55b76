"""Pipelines: on from where the last run left off, no row lost or doubled, rejects apart."""

from uuid import UUID

import orjson
import pytest
from sqlalchemy import delete, select

from app.automation.state import service as state
from app.automation.state.errors import StateMoved
from app.automation.state.models import WorkflowState
from app.core.db import SYSTEM
from tests.agents.databases.test_querying import connected as connected_database
from tests.agents.local.test_knowing import collection_of
from tests.automation.nodes.conftest import access_of
from tests.support.identity import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
COUNTED = {"properties": {"total": {"maximum": 6}}}


@pytest.fixture
def kept(studio, app):
    """`await kept(collection)`: the rows of each of its documents, by name."""

    async def rows(collection):
        documents = (await studio.office.get(f"/v1/collections/{collection['id']}/documents"))[
            "data"
        ]
        found = {}
        for each in documents:

            async def ready(path=f"/v1/documents/{each['id']}"):
                return (await studio.office.get(path))["status"] == "ready"

            await until(ready, 30)
            answer = await studio.talker.call("GET", f"/v1/documents/{each['id']}/content")
            found[each["name"]] = [orjson.loads(line) for line in answer.content.splitlines()]
        return found

    return rows


async def test_rows_of_a_database_come_once_with_their_lineage_and_rejects_apart(
    studio, shop, kept, app
):
    await connected_database(studio.talker, slug="shop", dsn=shop.reader, max_rows=200)
    collection = await collection_of(studio.talker, "exports")
    settings = {"page": 3, "pages": 2, "row_schema": COUNTED}
    sql = "select id, total from orders where id <= 7"
    workflow = await studio.make("pipelines", "database-to-collection", sql=sql, **settings)
    first = await studio.run(workflow)
    assert first["output"] == {"cursor": 6, "written": 4, "rejected": 2, "more": True}
    documents = await kept(collection)
    assert {name: [row["id"] for row in rows] for name, rows in documents.items()
            if "rejects" not in name} == {
        "orders-after-start.jsonl": [1, 2, 3], "orders-after-3.jsonl": [4],
    }  # fmt: skip
    lineage = documents["orders-after-3.jsonl"][0]["_lineage"]
    assert lineage == {"run_id": first["id"], "source": "orders", "position": 4}
    (one, _) = documents["orders-after-3-rejects.jsonl"]
    assert (one["code"], one["row"]["id"]) == ("row_invalid", 5)
    assert "7.5" in one["message"]

    # As it is after a run that was killed between the last write and what it keeps.
    async with app.state.kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(
            select(WorkflowState).where(WorkflowState.workflow_id == workflow["id"])
        )
        assert (row.value, row.number) == (6, 2)
        await session.execute(delete(WorkflowState).where(WorkflowState.id == row.id))
    again = await studio.run(workflow)
    assert again["output"] == first["output"]
    assert (await kept(collection)).keys() == documents.keys()
    third = await studio.run(workflow)
    assert third["output"] == {"cursor": 7, "written": 0, "rejected": 1, "more": False}


async def test_a_run_that_failed_in_the_middle_is_gone_on_from(studio, kept):
    collection = await collection_of(studio.talker, "exports")
    rows = [{"id": n, "name": f"n{n}"} for n in range(1, 6)]
    studio.world.tables["contacts"] = rows
    url = f"{studio.world.url}/contacts"
    workflow = await studio.make("pipelines", "http-to-collection", url=url, pages=2)
    first = await studio.run(workflow)
    assert first["status"] == "completed", first["error"]
    assert first["output"]["cursor"] == 4
    studio.world.failing = {"contacts"}
    failed = await studio.run(workflow)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "workflow_failed")
    studio.world.failing = set()
    rows.append({"id": 6, "name": "n6"})
    ended = await studio.run(workflow)
    assert ended["output"] == {"cursor": 6, "written": 2, "rejected": 0}
    documents = await kept(collection)
    ids = sorted(row["id"] for each in documents.values() for row in each)
    assert ids == [1, 2, 3, 4, 5, 6]


async def test_a_step_keeps_its_value_once_and_only_over_the_one_that_was_read(studio, app):
    workflow = await studio.make("workflow-patterns", "retry")
    access = access_of(studio.talker)
    workflow_id = UUID(workflow["id"])

    async def kept(value, after, step):
        async with app.state.kernel.database.unit(access.scope) as session:
            return await state.write(
                session, access, workflow_id, "cursor", value, after=after, step=step
            )

    assert (await kept(3, 0, "one:keep")).number == 1
    assert (await kept(3, 0, "one:keep")).told() == {"value": 3, "number": 1}
    with pytest.raises(StateMoved):
        await kept(5, 0, "other:keep")
    assert (await kept(6, 1, "other:keep")).told() == {"value": 6, "number": 2}
