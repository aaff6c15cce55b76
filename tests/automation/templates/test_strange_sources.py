"""Pipelines over sources as strangers have them: no row is lost, none comes twice."""

import pytest
import pytest_asyncio

from tests.agents.databases.conftest import warehouse, warehouse_server  # noqa: F401 - fixtures
from tests.agents.databases.test_querying import connected as connected_database
from tests.agents.local.test_knowing import collection_of, document_of
from tests.automation.templates.test_pipelines import kept  # noqa: F401 - a fixture
from tests.support.identity import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def exports(studio, kept):  # noqa: F811
    """`await exports()`: rows that came through and rejects, of all documents."""
    collection = await collection_of(studio.talker, "exports")

    async def rows():
        documents = await kept(collection)
        apart = {name for name in documents if "rejects" in name}
        good = [row for name, rows in documents.items() if name not in apart for row in rows]
        return good, [row for name in apart for row in documents[name]]

    return rows


@pytest_asyncio.fixture(loop_scope="session")
async def source(studio, warehouse):  # noqa: F811
    """`await source(sql, **variables)`: a pipeline out of a database that can be changed."""
    await connected_database(studio.talker, slug="shop", dsn=warehouse.dsn, max_rows=50)

    async def made(sql, **variables):
        return await studio.make("pipelines", "database-to-collection", sql=sql, **variables)

    return made


def numbers(rows):
    return sorted(row["id"] for row in rows)


async def test_of_equal_cursors_none_is_lost_and_none_comes_twice(
    studio,
    source,
    exports,
    warehouse,  # noqa: F811
):
    warehouse.run(
        "insert into orders (id, customer, placed) select n, 'c', "
        "timestamptz '2026-01-01' + interval '1 s' * (n / 7) from generate_series(1, 40) n"
    )
    sql = "select id, placed from orders"
    workflow = await source(sql, column="placed", page=10)
    output = (await studio.run(workflow))["output"]
    assert (output["written"], output["more"]) == (40, False)
    good, bad = await exports()
    assert (numbers(good), bad) == ([*range(1, 41)], [])


async def test_more_equal_cursors_than_a_page_has_come_together(
    studio,
    source,
    exports,
    warehouse,  # noqa: F811
):
    warehouse.run(
        "insert into orders (id, customer, placed) select n, 'c', "
        "timestamptz '2026-01-01' + interval '1 s' * (n / 30) from generate_series(1, 40) n"
    )
    workflow = await source("select id, placed from orders", column="placed", page=10)
    assert (await studio.run(workflow))["output"]["written"] == 40
    good, _ = await exports()
    assert numbers(good) == [*range(1, 41)]
    warehouse.run(
        "insert into orders (id, customer, placed) select n, 'c', '2026-02-01' "
        "from generate_series(101, 160) n"
    )
    stopped = await studio.run(workflow)
    assert stopped["status"] == "failed"
    assert "have the same `placed`" in str(stopped["error"])
    warehouse.run("update orders set placed = '2026-02-02' where id > 130")
    assert (await studio.run(workflow))["output"]["written"] == 60
    good, _ = await exports()
    assert numbers(good) == [*range(1, 41), *range(101, 161)]


async def test_a_row_without_a_cursor_is_told_of_and_holds_nothing_up(
    studio,
    source,
    exports,
    warehouse,  # noqa: F811
):
    warehouse.run(
        "insert into orders (id, customer, total) select n, 'c', "
        "case when n % 4 = 0 then null else n end from generate_series(1, 12) n"
    )
    workflow = await source("select id, total from orders", column="total", page=4)
    first = (await studio.run(workflow))["output"]
    assert (first["written"], first["rejected"], first["more"]) == (9, 3, False)
    warehouse.run("insert into orders (id, customer, total) values (20, 'c', 13), (24, 'c', null)")
    second = (await studio.run(workflow))["output"]
    assert second["written"] == 1
    good, bad = await exports()
    assert numbers(good) == [n for n in range(1, 13) if n % 4] + [20]
    assert {row["row"]["id"] for row in bad} == {4, 8, 12, 24}
    assert {row["code"] for row in bad} == {"cursor_missing"}


async def test_rows_that_are_too_long_are_told_of_and_passed(
    studio,
    source,
    exports,
    warehouse,  # noqa: F811
):
    warehouse.run(
        "insert into orders (id, customer) select n, "
        "repeat('x', case when n between 3 and 7 then 30000 else 5 end) "
        "from generate_series(1, 9) n"
    )
    workflow = await source("select id, customer from orders", page=2)
    output = (await studio.run(workflow))["output"]
    assert output == {"cursor": 9, "written": 4, "rejected": 5, "more": False}
    good, bad = await exports()
    assert numbers(good) == [1, 2, 8, 9]
    assert [row["row"].startswith('\'{"id":') for row in bad] == [True] * 5
    assert (await studio.run(workflow))["output"]["rejected"] == 0


async def test_pages_of_large_rows_go_through(studio, source, exports, warehouse):  # noqa: F811
    warehouse.run(
        "insert into orders (id, customer) select n, repeat('x', 19000) "
        "from generate_series(1, 60) n"
    )
    await studio.talker.call("PATCH", await path_of(studio), json={"max_rows": 1000})
    workflow = await source("select id, customer from orders", page=60)
    run = await studio.run(workflow)
    assert run["output"] == {"cursor": 60, "written": 60, "rejected": 0, "more": False}, run[
        "error"
    ]
    good, _ = await exports()
    assert numbers(good) == [*range(1, 61)]


async def path_of(studio):
    (found,) = (await studio.office.get("/v1/databases"))["data"]
    return f"/v1/databases/{found['id']}"


async def test_a_source_that_is_empty_or_shrinks(studio, source, exports, warehouse):  # noqa: F811
    workflow = await source("select id from orders", page=2)
    nothing = (await studio.run(workflow))["output"]
    assert nothing == {"cursor": None, "written": 0, "rejected": 0, "more": False}
    warehouse.run("insert into orders (id, customer) select n, 'c' from generate_series(1, 5) n")
    assert (await studio.run(workflow))["output"]["written"] == 5
    warehouse.run("delete from orders where id > 2")
    assert (await studio.run(workflow))["output"]["cursor"] == 5
    warehouse.run("insert into orders (id, customer) values (6, 'c')")
    assert (await studio.run(workflow))["output"] == {
        "cursor": 6, "written": 1, "rejected": 0, "more": False,
    }  # fmt: skip
    good, _ = await exports()
    assert numbers(good) == [1, 2, 3, 4, 5, 6]


async def test_a_file_that_has_become_shorter_is_another_one(studio):
    files = await collection_of(studio.talker, "files")
    document = await document_of(studio.talker, files, "people.csv", b"id\n1\n2\n3\n")
    workflow = await studio.make("pipelines", "file-to-http", url=f"{studio.world.url}/people")
    given = {"document_id": document["id"]}
    assert (await studio.run(workflow, given))["output"]["written"] == 3
    path = f"/v1/collections/{files['id']}/documents?name=people.csv&on_duplicate=version"
    for content, written in ((b"id\n7\n8\n", 2), (b"id\n7\n8\n9\n", 1), (b"id\n", 0)):
        answer = await studio.talker.call("POST", path, content=content)
        assert answer.status_code == 202, answer.text
        await document_of_version(studio, answer.json())
        assert (await studio.run(workflow, given))["output"]["written"] == written
    paths = [each for _, each in studio.world.calls]
    assert sorted(paths) == [f"/people/{n}" for n in (1, 2, 3, 7, 8, 9)]


async def document_of_version(studio, made):
    async def ready():
        shown = await studio.office.get(f"/v1/documents/{made['id']}")
        return shown["status"] == "ready"

    await until(ready, 30)


STRANGE = [
    {"id": 1, "name": "n1"},
    {"id": 2},
    "no row",
    None,
    [3],
    {"name": "no mark"},
    {"id": None, "name": "null mark"},
]


async def test_a_service_that_gives_what_are_no_rows(studio, exports):
    given = [*STRANGE]
    studio.world.answers["contacts"] = lambda after: given if not after else []
    url = f"{studio.world.url}/contacts"
    schema = {"required": ["name"]}
    workflow = await studio.make("pipelines", "http-to-collection", url=url, row_schema=schema)
    run = await studio.run(workflow)
    assert run["output"] == {"cursor": 2, "written": 3, "rejected": 4}, run["error"]
    good, bad = await exports()
    assert [row["name"] for row in good] == ["n1", "no mark", "null mark"]
    assert [(row["index"], row["code"], row["row"]) for row in bad] == [
        (1, "row_invalid", {"id": 2}),
        (2, "row_invalid", "no row"),
        (3, "row_invalid", None),
        (4, "row_invalid", [3]),
    ]
    assert (await studio.run(workflow))["output"]["written"] == 0


async def test_a_service_that_gives_the_same_over_and_over_ends(studio, exports):
    rows = [{"id": n} for n in range(3)]
    studio.world.answers["contacts"] = lambda after: rows
    workflow = await studio.make(
        "pipelines", "http-to-collection", url=f"{studio.world.url}/contacts"
    )
    assert (await studio.run(workflow))["output"]["cursor"] == 2
    assert len(studio.world.calls) == 2


async def test_marks_with_slashes_are_names_of_their_own(studio, exports):
    pages = {"": [{"id": "a/1"}], "a/1": [{"id": "b/1"}], "b/1": [{"id": "c/1"}], "c/1": []}
    studio.world.answers["contacts"] = lambda after: pages[after]
    workflow = await studio.make(
        "pipelines", "http-to-collection", url=f"{studio.world.url}/contacts"
    )
    assert (await studio.run(workflow))["output"]["written"] == 3
    good, _ = await exports()
    assert numbers(good) == ["a/1", "b/1", "c/1"]


async def test_a_page_that_is_longer_than_was_asked_for_goes_through(studio, exports):
    rows = [{"id": n} for n in range(1, 1102)]
    studio.world.answers["contacts"] = lambda after: rows if not after else []
    workflow = await studio.make(
        "pipelines",
        "http-to-collection",
        url=f"{studio.world.url}/contacts",
        row_schema={"properties": {"id": {"maximum": 600}}},
    )
    output = (await studio.run(workflow))["output"]
    assert output == {"cursor": 1101, "written": 600, "rejected": 501}
    good, bad = await exports()
    assert (len(good), len(bad)) == (600, 501)
