"""Pipelines into a table: each row there once, what the database refuses apart, gone on with."""

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import delete

from app.automation.state.models import WorkflowState
from app.core.db import SYSTEM
from tests.agents.databases.conftest import warehouse, warehouse_server  # noqa: F401 - fixtures
from tests.agents.databases.test_querying import connected as connected_database
from tests.agents.local.test_knowing import collection_of, document_of
from tests.automation.templates.test_pipelines import kept  # noqa: F401 - a fixture

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def sink(studio, warehouse):  # noqa: F811
    await connected_database(
        studio.talker, slug="warehouse", dsn=warehouse.dsn, writable=True, timeout_seconds=5
    )
    return warehouse


@pytest_asyncio.fixture(loop_scope="session")
async def rejects(studio, kept):  # noqa: F811
    """`await rejects()`: what was set apart, by the names of the documents."""
    collection = await collection_of(studio.talker, "exports")

    async def told():
        return await kept(collection)

    return told


@pytest.fixture
def forget(app):
    """As after a run that was killed between its last write and what it keeps."""

    async def forgotten(workflow):
        async with app.state.kernel.database.unit(SYSTEM) as session:
            wanted = delete(WorkflowState).where(WorkflowState.workflow_id == workflow["id"])
            await session.execute(wanted)

    return forgotten


async def test_from_a_database_into_another_one(studio, shop, sink, rejects, forget):
    await connected_database(studio.talker, slug="shop", dsn=shop.reader)
    workflow = await studio.make(
        "pipelines",
        "database-to-database",
        sql="select id, customer, total - 3 as total from orders where id <= 9",
        target="warehouse",
        page=2,
        pages=3,
        row_schema={"properties": {"total": {"not": {"const": 4.5}}}},
    )
    first = await studio.run(workflow)
    assert first["output"] == {"cursor": 6, "written": 3, "rejected": 3, "more": True}, first
    assert sink.rows("select id from orders order by id") == [(3,), (4,), (6,)]
    (lineage,) = sink.rows("select _lineage from orders where id = 4")[0]
    assert lineage == {"run_id": first["id"], "source": "orders", "position": 4}
    told = {
        name: [(row["code"], row["row"]["id"]) for row in rows]
        for name, rows in (await rejects()).items()
    }
    assert told == {
        "orders-after-start-rejects.jsonl": [
            ("constraint_violated", 1),
            ("constraint_violated", 2),
        ],
        "orders-after-4-rejects.jsonl": [("row_invalid", 5)],
    }

    await forget(workflow)
    again = await studio.run(workflow)
    assert again["output"] == first["output"]
    rest = await studio.run(workflow)
    assert rest["output"] == {"cursor": 9, "written": 3, "rejected": 0, "more": False}
    assert sink.rows("select count(*), count(distinct id) from orders") == [(6, 6)]
    assert (await rejects()).keys() == told.keys()


async def test_from_a_service_into_a_database(studio, sink, rejects):
    rows = [{"id": n, "name": f"n{n}"} for n in range(1, 6)]
    rows[3]["name"] = "n1"
    rows[4]["name"] = "much too long"
    studio.world.tables["contacts"] = rows
    workflow = await studio.make(
        "pipelines", "http-to-database", url=f"{studio.world.url}/contacts", columns=["id", "name"]
    )
    first = await studio.run(workflow)
    assert first["output"] == {"cursor": 5, "written": 3, "rejected": 2}, first
    assert sink.rows("select id, name, _lineage from contacts order by id") == [
        (1, "n1", None), (2, "n2", None), (3, "n3", None),
    ]  # fmt: skip
    told = [row for rows in (await rejects()).values() for row in rows]
    assert {row["row"]["id"]: row["code"] for row in told} == {
        4: "constraint_violated",
        5: "value_invalid",
    }
    rows.append({"id": 6, "name": "n6"})
    assert (await studio.run(workflow))["output"] == {"cursor": 6, "written": 1, "rejected": 0}


async def test_from_a_file_into_a_database(studio, sink, rejects):
    files = await collection_of(studio.talker, "files")
    content = b"id;name\n1;Ada\n2\n3;Bob\nx;Eve\n4;Zoe\n"
    document = await document_of(studio.talker, files, "people.csv", content)
    workflow = await studio.make("pipelines", "file-to-database", page=2)
    given = {"document_id": document["id"]}
    output = (await studio.run(workflow, given))["output"]
    assert output == {"written": 3, "rejected": 2}
    assert sink.rows("select id, name from contacts order by id") == [
        (1, "Ada"), (3, "Bob"), (4, "Zoe"),
    ]  # fmt: skip
    told = [row["code"] for rows in (await rejects()).values() for row in rows]
    assert sorted(told) == ["row_invalid", "value_invalid"]
    assert (await studio.run(workflow, given))["output"] == {"written": 0, "rejected": 0}


async def test_what_a_table_lacks_stops_it_and_nothing_is_passed_over(studio, sink, rejects):
    studio.world.tables["contacts"] = [{"id": 1, "name": "n1", "born": 1999}]
    url = f"{studio.world.url}/contacts"
    workflow = await studio.make("pipelines", "http-to-database", url=url)
    failed = await studio.run(workflow)
    assert failed["status"] == "failed"
    assert "has no column `born`" in orjson.dumps(failed["error"]).decode()
    sink.run("alter table contacts add column born int")
    assert (await studio.run(workflow))["output"] == {"cursor": 1, "written": 1, "rejected": 0}


async def test_a_table_that_refuses_everything_loses_nothing(studio, sink, rejects):
    studio.world.tables["contacts"] = [{"id": n, "name": "much too long"} for n in range(1, 6)]
    url = f"{studio.world.url}/contacts"
    workflow = await studio.make("pipelines", "http-to-database", url=url)
    run = await studio.run(workflow)
    assert run["output"] == {"cursor": 5, "written": 0, "rejected": 5}
    told = [row["row"]["id"] for rows in (await rejects()).values() for row in rows]
    assert sorted(told) == [1, 2, 3, 4, 5]
