"""`connector`: rows out of and into the workspace's systems, from a cursor on, rejects apart."""

import base64
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import update

from app.core.clock import now
from app.core.db import SYSTEM
from app.knowledge.collections import documents
from app.knowledge.collections.document_schemas import DocumentQuery
from app.knowledge.collections.models import Document
from tests.agents.databases.conftest import shop  # noqa: F401 - a fixture
from tests.agents.databases.test_querying import connected
from tests.agents.local.test_knowing import collection_of, document_of
from tests.agents.web.conftest import Site, json_answer
from tests.automation.nodes.conftest import access_of
from tests.support.identity import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def rows(steps):
    """`await rows("database", "read", **options)`: what the operation gives."""

    async def given(connector, operation, **options):
        whole = {"connector": connector, "operation": operation, "options": options}
        return await steps.output("connector", whole)

    return given


@pytest.fixture
def refused(steps):
    async def code(connector, operation, **options):
        whole = {"connector": connector, "operation": operation, "options": options}
        return (await steps.fault("connector", whole)).code

    return code


@pytest_asyncio.fixture(loop_scope="session")
async def orders(talker, shop):  # noqa: F811
    await connected(talker, slug="shop", dsn=shop.reader, max_rows=300)


async def test_a_table_is_read_in_pages_to_its_end(rows, orders):
    asked = {"database": "shop", "sql": "select id from orders -- all", "cursor_column": "id"}
    seen, cursor, more = [], None, True
    while more:
        page = await rows("database", "read", **asked, cursor=cursor, limit=150)
        seen += [row["id"] for row in page["rows"]]
        cursor, more = page["cursor"], page["more"]
    assert (seen, cursor) == ([*range(1, 501)], 500)
    again = await rows("database", "read", **asked, cursor=cursor)
    assert (again["rows"], again["cursor"]) == ([], 500)


async def test_a_column_of_the_row_may_have_any_name(rows, orders):
    sql = 'select id, id as found, id as "cursor", id as "row", id as q from orders'
    page = await rows(
        "database", "read", database="shop", sql=sql, cursor_column="found", cursor=2, limit=1
    )
    assert page["rows"] == [{"id": 3, "found": 3, "cursor": 3, "row": 3, "q": 3}]
    assert (page["cursor"], page["more"]) == (3, True)


@pytest.mark.parametrize(
    ("column", "behind"),
    [
        ("(id + 0.1234567890123456789)::numeric", "2.1234567890123456789"),
        ("(9223372036854775807 + id::numeric)", "9223372036854775809"),
        ("timestamptz '2026-01-01' + interval '1 us' * id", "2026-01-01T00:00:00.000002+00:00"),
    ],
)
async def test_a_cursor_is_exact(rows, orders, column, behind):
    asked = {"database": "shop", "cursor_column": "at", "limit": 2}
    sql = f"select id, {column} as at from orders"  # noqa: S608
    first = await rows("database", "read", **asked, sql=sql)
    second = await rows("database", "read", **asked, sql=sql, cursor=first["cursor"])
    assert first["cursor"] == behind
    assert [row["id"] for page in (first, second) for row in page["rows"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("more", [{}, {"cursor_column": "id"}], ids=["in no order", "in order"])
async def test_a_whole_number_that_no_json_of_ours_can_hold_is_its_text(rows, orders, more):
    sql = "select id, (10::numeric ^ 30)::numeric(40, 0) as big, 7 as small from orders"
    page = await rows("database", "read", database="shop", sql=f"{sql} where id = 1", **more)
    assert page["rows"] == [{"id": 1, "big": "1" + "0" * 30, "small": 7}]


async def test_what_no_order_can_be_of_is_no_cursor(refused, orders):
    asked = {"database": "shop", "cursor_column": "at"}
    for column in ("id = 1", "jsonb_build_object('id', id)", "repeat('x', 2000)"):
        sql = f"select {column} as at from orders"  # noqa: S608
        assert await refused("database", "read", **asked, sql=sql) == "cursor_unfit"
    assert await refused("database", "read", **asked, sql="select id from orders") in (
        "query_refused",
        "query_failed",
    )


async def test_a_page_of_long_rows_is_shorter(rows, orders):
    page = await rows(
        "database",
        "read",
        database="shop",
        sql="select id, repeat('x', 19000) as long from orders",
        cursor_column="id",
        limit=300,
    )
    assert (len(page["rows"]), page["cursor"], page["more"]) == (41, 41, True)


async def test_parameters_are_values_and_never_sql(rows, refused, orders):
    asked = {
        "database": "shop",
        "sql": "select id, (select who from parameters) as who from orders "
        "where id < (select least from parameters) order by id",
    }
    evil = "' union select id, word from secrets --"
    page = await rows("database", "read", **asked, parameters={"least": 3, "who": evil})
    assert page["rows"] == [{"id": 1, "who": evil}, {"id": 2, "who": evil}]


@pytest.mark.parametrize(
    "sql",
    [
        "select 1) as found; drop table orders; --",
        "select pg_sleep(5)",
        "update orders set total = 0 returning id",
        "select * from hidden.salaries",
    ],
)
async def test_only_reading_is_possible(refused, orders, sql):
    assert await refused("database", "read", database="shop", sql=sql) in (
        "query_refused",
        "query_failed",
    )


async def test_sql_holds_no_templates(steps, orders):
    options = {"database": "shop", "sql": "select * from orders where id = {{ inputs.id }}"}
    settings = {"connector": "database", "operation": "read", "options": options}
    assert await steps.mistakes("connector", settings) == {"/options/sql": "sql_templated"}
    whole = settings | {"options": "{{ inputs.options }}"}
    assert await steps.mistakes("connector", whole) == {"/options": "template_refused"}
    options |= {"sql": "select 1", "database": "nothing", "limit": "{{ inputs.limit }}"}
    assert await steps.mistakes("connector", settings) == {
        "/options/database": "database_not_found"
    }


async def test_names_and_options_are_checked_beforehand(steps, refused):
    wrong = {"connector": "nothing", "operation": "read"}
    assert await steps.mistakes("connector", wrong) == {"/connector": "connector_unknown"}
    wrong = {"connector": "files", "operation": "burn"}
    assert await steps.mistakes("connector", wrong) == {"/operation": "operation_unknown"}
    wrong = {"connector": "files", "operation": "list", "options": {"limit": 0}}
    assert await steps.mistakes("connector", wrong) == {
        "/options/collection": "missing",
        "/options/limit": "greater_than_equal",
    }
    assert await refused("files", "list", limit=0) == "options_invalid"


async def posted(talker, collection, name):
    path = f"/v1/collections/{collection['id']}/documents?name={name}"
    answer = await talker.call("POST", path, content=name.encode())
    assert answer.status_code == 202, answer.text


async def test_new_documents_come_after_the_cursor(rows, talker, refused):
    made = await collection_of(talker, "inbox")
    await document_of(talker, made, "a.csv", b"id,name\n1,Ada\n2\n3,Bo\na.csv")
    await posted(talker, made, "b.txt")
    first = await rows("files", "list", collection="inbox", limit=1)
    second = await rows("files", "list", collection="inbox", limit=1, cursor=first["cursor"])
    nothing = await rows("files", "list", collection="inbox", cursor=second["cursor"])
    await posted(talker, made, "c.txt")
    third = await rows("files", "list", collection="inbox", cursor=nothing["cursor"])

    names = [row["name"] for page in (first, second, third) for row in page["rows"]]
    assert (names, nothing["rows"], first["more"]) == (["a.csv", "b.txt", "c.txt"], [], True)
    assert await refused("files", "list", collection="nothing") == "collection_not_found"
    document_id = first["rows"][0]["id"]
    page = await rows("files", "read", document_id=document_id, form="rows", limit=2)
    assert page["rows"] == [{"id": "1", "name": "Ada"}]
    assert [(each["index"], each["code"]) for each in page["rejects"]] == [(1, "row_invalid")]
    assert (page["cursor"], page["more"]) == (2, True)
    text = await rows("files", "read", document_id=document_id)
    assert "Ada" in text["text"]
    whole = await rows("files", "read", document_id=document_id, form="base64")
    assert base64.b64decode(whole["base64"]).endswith(b"a.csv")


async def test_a_document_that_is_still_being_read_is_not_passed_over(rows, talker, app):
    made = await collection_of(talker, "inbox")
    ids = [(await document_of(talker, made, f"{n}.txt", f"{n}".encode()))["id"] for n in range(4)]

    async def told(document_id, status):
        async with app.state.kernel.database.unit(SYSTEM) as session:
            changed = update(Document).where(Document.id == UUID(document_id))
            await session.execute(changed.values(status=status))

    await told(ids[0], "failed")
    await told(ids[2], "processing")
    asked = {"collection": "inbox", "status": "ready", "limit": 2}
    seen, cursor = [], None
    for status in ("processing", "queued", "ready"):
        await told(ids[2], status)
        more = True
        while more:
            page = await rows("files", "list", **asked, cursor=cursor)
            seen += [row["id"] for row in page["rows"]]
            cursor, more = page["cursor"], page["more"]
        assert seen == (ids[1:] if status == "ready" else ids[1:2])


async def test_a_list_goes_on_from_a_page_of_the_ready_ones_that_an_earlier_version_kept(
    rows, talker, app
):
    made = await collection_of(talker, "inbox")
    ids = [(await document_of(talker, made, f"{n}.txt", f"{n}".encode()))["id"] for n in range(4)]
    kernel, access = app.state.kernel, access_of(talker)
    asked = DocumentQuery(limit=2, order="asc", status="ready")
    async with kernel.database.unit(access.scope) as session:
        page = await documents.page(session, access, UUID(made["id"]), asked, kernel.cursors)
    cursor, more, seen = {"page": page.next_cursor, "last": ids[1]}, True, []
    assert page.next_cursor is not None
    for _ in range(4):
        told = await rows(
            "files", "list", collection="inbox", status="ready", limit=1, cursor=cursor
        )
        seen += [row["id"] for row in told["rows"]]
        cursor, more = told["cursor"], told["more"]
    assert (seen, more) == (ids[2:], False)


async def test_documents_by_the_same_moment_come_in_their_order(rows, talker, app):
    """As two that are put in at once: the ids and the moments of such need not agree."""
    made = await collection_of(talker, "inbox")
    ids = [(await document_of(talker, made, f"{n}.txt", f"{n}".encode()))["id"] for n in range(2)]
    async with app.state.kernel.database.unit(SYSTEM) as session:
        later = update(Document).where(Document.id == UUID(ids[0]))
        await session.execute(later.values(created_at=now()))
    first = await rows("files", "list", collection="inbox", limit=1)
    second = await rows("files", "list", collection="inbox", limit=1, cursor=first["cursor"])
    third = await rows("files", "list", collection="inbox", cursor=second["cursor"])
    names = [[row["name"] for row in page["rows"]] for page in (first, second, third)]
    assert names == [["1.txt"], ["0.txt"], []]


async def test_documents_are_written_once_and_rejects_are_told(rows, talker, steps, refused):
    await collection_of(talker, "reports")
    given = {
        "collection": "reports",
        "documents": [
            {"name": "one.md", "text": "# One\n\nFirst.", "metadata": {"week": 47}},
            {"name": "none.md"},
            {"name": "two.txt", "base64": base64.b64encode(b"Second.").decode()},
        ],
    }
    first = await rows("collection", "write", **given)
    again = await rows("collection", "write", **given)

    assert (first["written"], first["rejected"]) == (2, 1)
    assert first["rejects"][0]["index"] == 1
    assert [each["id"] for each in again["documents"]] == [
        each["id"] for each in first["documents"]
    ]
    assert not any(each["is_new"] for each in again["documents"])

    async def ready():
        path = f"/v1/documents/{first['documents'][0]['id']}"
        shown = (await talker.call("GET", path)).json()
        return shown["status"] == "ready" and shown["metadata"] == {"week": 47}

    await until(ready, 60)
    reader = access_of(talker, frozenset())
    settings = {"connector": "collection", "operation": "write", "options": given}
    assert (await steps.fault("connector", settings, access=reader)).code == "permission_denied"


async def test_the_same_content_under_another_name_is_another_document(rows, talker):
    made = await collection_of(talker, "reports")
    named = [{"name": name, "text": "Nothing new."} for name in ("a.md", "b.md", "x/a.md")]
    given = {"collection": "reports", "documents": named}
    first = await rows("collection", "write", **given)
    again = await rows("collection", "write", **given)
    assert (first["written"], first["rejected"]) == (3, 0)
    assert [each["is_new"] for each in first["documents"]] == [True] * 3
    assert [each["is_new"] for each in again["documents"]] == [False] * 3
    named[0]["text"] = "News."
    await rows("collection", "write", **given)
    found = (await talker.call("GET", f"/v1/collections/{made['id']}/documents")).json()["data"]
    seen = sorted((each["name"], each["wanted_version"]) for each in found)
    assert seen == [("a.md", 2), ("b.md", 1), ("x-a.md", 1)]
    named = [{"name": name, "text": name} for name in ("y/a.md", "y-a.md", "y\\a.md", "y/a.md")]
    mixed = await rows("collection", "write", collection="reports", documents=named)
    assert [each["name"] for each in mixed["documents"]] == ["y-a.md", "y-a.md"]
    assert [each["is_new"] for each in mixed["documents"]] == [True, False]
    assert [(each["index"], each["code"]) for each in mixed["rejects"]] == [
        (1, "document_invalid"),
        (2, "document_invalid"),
    ]
    assert mixed["rejects"][0]["message"] == "it would be kept as `y-a.md`, as `y/a.md` is"
    for on_duplicate, told in (("skip", (1, 0)), ("error", (0, 1))):
        options = {"documents": [{"name": "c.md", "text": "Nothing new."}]}
        ended = await rows(
            "collection", "write", collection="reports", **options, on_duplicate=on_duplicate
        )
        assert (ended["written"], ended["rejected"]) == told


async def test_a_page_of_a_file_fits_into_what_a_step_is_given(rows, talker):
    made = await collection_of(talker, "files")
    lines = [{"id": n, "text": "x" * (900_000 if n == 3 else 30_000)} for n in range(30)]
    content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    document = await document_of(talker, made, "rows.jsonl", content)
    seen, rejected, cursor, more = [], [], None, True
    while more:
        page = await rows("files", "read", document_id=document["id"], form="rows", cursor=cursor)
        assert len(orjson.dumps(page["rows"])) < 800_000
        seen += [row["id"] for row in page["rows"]]
        rejected += [each["code"] for each in page["rejects"]]
        cursor, more = page["cursor"], page["more"]
    assert (seen, rejected) == ([n for n in range(30) if n != 3], ["row_too_long"])


async def test_rows_become_a_file_and_are_rows_again(rows, talker):
    await collection_of(talker, "exports")
    given = [{"id": 1, "tags": ["a"]}, "no row", {"id": 2, "note": 'says "hi", twice'}]
    written = await rows(
        "collection", "write_rows", collection="exports", name="orders.csv", rows=given
    )
    assert (written["written"], written["rejected"]) == (2, 1)
    read = await rows("files", "read", document_id=written["documents"][0]["id"], form="rows")
    assert read["rows"] == [
        {"id": "1", "tags": '["a"]', "note": ""},
        {"id": "2", "tags": "", "note": 'says "hi", twice'},
    ]


def by_cursor(request):
    at = int(request.query.get("after", 0))
    following = at + 2 if at < 4 else None
    return json_answer({"data": [{"n": at}, {"n": at + 1}], "next": following})


def by_page(request):
    number = int(request.query["page"])
    return json_answer([{"n": number}] if number < 4 else [])


def by_link(request):
    number = int(request.query.get("p", 0))
    headers = {"link": f'</links?p={number + 1}>; rel="next"'} if number < 2 else {}
    return json_answer([{"n": number}], headers=headers)


def away(request):
    return json_answer([], headers={"link": '<https://elsewhere.example/x>; rel="next"'})


@pytest.mark.parametrize(
    ("path", "pointer", "paging", "wanted"),
    [
        ("cursor", "/data", {"kind": "cursor", "pointer": "/next", "parameter": "after"}, 6),
        ("pages", "", {"kind": "page", "parameter": "page"}, 3),
        ("links", "", {"kind": "link"}, 3),
    ],
)
async def test_pages_over_http_are_read_to_the_end(rows, path, pointer, paging, wanted):
    async with Site(cursor=by_cursor, pages=by_page, links=by_link) as site:
        asked = {"url": f"{site.url}/{path}", "rows": pointer, "next": paging}
        whole = await rows("http_rows", "read", **asked)
        first = await rows("http_rows", "read", **asked, limit=1)
        rest = await rows("http_rows", "read", **asked, cursor=first["cursor"])
    assert (len(whole["rows"]), whole["more"], first["more"]) == (wanted, False, True)
    assert orjson.dumps(first["rows"] + rest["rows"]) == orjson.dumps(whole["rows"])


async def test_a_next_page_is_at_the_same_service(refused):
    async with Site(away=away, none=json_answer({"data": 1})) as site:
        link = {"kind": "link"}
        assert await refused("http_rows", "read", url=f"{site.url}/away", rows="", next=link) == (
            "bad_url"
        )
        assert await refused("http_rows", "read", url=f"{site.url}/none", rows="/data") == (
            "rows_missing"
        )
