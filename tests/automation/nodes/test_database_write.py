"""`database.write`: rows into a table, each once under its key; what is refused is told by row."""

import asyncio

import pytest
import pytest_asyncio

from app.core.auth import Permission
from tests.agents.databases.conftest import warehouse, warehouse_server  # noqa: F401 - fixtures
from tests.agents.databases.test_querying import connected
from tests.automation.nodes.conftest import access_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
WRITABLE = {"slug": "warehouse", "schemas": ["public", "crm"], "writable": True}


@pytest_asyncio.fixture(loop_scope="session")
async def store(talker, warehouse):  # noqa: F811
    await connected(talker, **WRITABLE, dsn=warehouse.dsn, timeout_seconds=5)
    return warehouse


def settings(table, rows, **options):
    given = {"database": "warehouse", "table": table, "rows": rows, **options}
    return {"connector": "database", "operation": "write", "options": given}


@pytest.fixture
def write(steps):
    """`await write(table, rows, **options)`: what came of it."""

    async def written(table, rows, **options):
        return await steps.output("connector", settings(table, rows, **options))

    return written


@pytest.fixture
def fault(steps):
    async def of(table, rows, **options):
        found = await steps.fault("connector", settings(table, rows, **options))
        return found.code, found.message

    return of


def order(number, **more):
    return {"id": number, "customer": f"c{number}", "total": 1.5, **more}


async def test_a_row_stands_there_once_however_often_it_is_written(write, store):
    rows = [order(n) for n in range(1, 501)]
    first = await write("orders", rows)
    rows[0] |= {"customer": "changed", "placed": "2026-11-22T10:00:00Z"}
    del rows[1]["total"]
    again = await write("public.orders", rows, key=["id"])
    assert first == {"written": 500, "skipped": 0, "rejects": [], "rejected": 0}
    assert again["written"] == 500
    assert store.rows("select count(*), sum(total) from orders") == [(500, 750)]
    seen = store.rows(
        "select customer, placed::date::text, total, state from orders where id < 3 order by id"
    )
    assert seen == [("changed", "2026-11-22", 1.5, "new"), ("c2", "2026-01-01", 1.5, "new")]


async def test_by_insert_what_is_there_stays(write, store):
    await write("orders", [order(1)])
    told = await write("orders", [order(1, customer="other"), order(2)], mode="insert")
    assert (told["written"], told["skipped"], told["rejected"]) == (1, 1, 0)
    assert store.rows("select customer from orders order by id") == [("c1",), ("c2",)]


async def test_of_two_rows_with_a_key_the_last_one_holds(write, store):
    rows = [order(1, customer="first"), order(2), order(1, customer="last")]
    assert (await write("orders", rows))["rejected"] == 0
    assert store.rows("select customer from orders order by id") == [("last",), ("c2",)]


BAD = {
    3: ({"customer": None}, "constraint_violated", "null value in column"),
    90: ({"total": "much"}, "value_invalid", 'type numeric: "much"'),
    91: ({"total": -1}, "constraint_violated", "total_is_positive"),
    199: ({"id": None}, "key_missing", "`id` is null or missing"),
    200: ({"placed": "2026-13-01"}, "value_invalid", "2026-13-01"),
    250: ({"id": 2**40}, "value_invalid", "out of range"),
    299: ({"customer": "nul \x00 in it"}, "value_invalid", "Unicode"),
}


async def test_what_the_server_refuses_is_told_by_row_and_the_others_go_in(write, store):
    rows = [order(n) for n in range(300)]
    for at, (wrong, _, _) in BAD.items():
        rows[at] = rows[at] | wrong
    rows[40] = "no row"
    told = await write("orders", rows)
    wanted = {at: code for at, (_, code, _) in BAD.items()} | {40: "row_invalid"}
    assert {each["index"]: each["code"] for each in told["rejects"]} == wanted
    assert [each["index"] for each in told["rejects"]] == sorted(wanted)
    said = {each["index"]: each["message"] for each in told["rejects"]}
    assert [at for at, (_, _, part) in BAD.items() if part not in said[at]] == []
    assert said[91].count("Failing row") == 1
    assert (told["written"], told["rejected"]) == (292, 8)
    ids = {row[0] for row in store.rows("select id from orders")}
    assert ids == set(range(300)) - wanted.keys()


async def test_a_table_that_refuses_everything_tells_of_each_row(write, store):
    told = await write("orders", [order(n, total=0) for n in range(1000)])
    assert (told["written"], told["rejected"], len(told["rejects"])) == (0, 1000, 1000)


async def test_a_fault_that_shows_at_the_end_of_a_transaction_is_a_rows(write, store):
    rows = [{"id": 1, "parent": None}, {"id": 2, "parent": 99}, {"id": 3, "parent": 1}]
    told = await write("children", rows)
    assert [(each["index"], each["code"]) for each in told["rejects"]] == [
        (1, "constraint_violated")
    ]
    assert store.rows("select id from children order by id") == [(1,), (3,)]


async def test_a_rule_of_the_server_about_rows_refuses_rows(write, store):
    told = await write("guarded", [{"id": 1, "owner": "me"}, {"id": 2, "owner": "you"}])
    assert [(each["index"], each["code"]) for each in told["rejects"]] == [(1, "row_refused")]
    assert store.rows("select id from guarded") == [(1,)]


async def test_with_fail_one_bad_row_leaves_all_out(steps, write, fault, store):
    rows = [order(n) for n in range(400)]
    rows[399] |= {"total": "much"}
    found = await steps.fault("connector", settings("orders", rows, on_reject="fail"))
    assert (found.code, found.retryable) == ("rows_rejected", False)
    assert found.detail["rejects"][0]["index"] == 399
    for wrong in ("no row", {"customer": "no key"}):
        code, _ = await fault("orders", [order(1), wrong], on_reject="fail")
        assert code == "rows_rejected"
    assert store.rows("select count(*) from orders") == [(0,)]
    told = await write("orders", rows[:399], on_reject="fail")
    assert told["written"] == 399


async def test_values_become_what_the_columns_are(write, store):
    rows = [
        {"id": 1, "place": "a", "count": 3, "tags": ["x", "y"], "more": {"deep": [1, None]}},
        {"id": 1, "place": "b", "count": "4", "tags": None, "more": "text"},
    ]
    told = await write("parts", rows, key=["place", "id"])
    assert (told["written"], told["rejected"]) == (2, 0)
    assert store.rows("select place, count, whole, tags, more from parts order by place") == [
        ("a", 3, 6, ["x", "y"], {"deep": [1, None]}),
        ("b", 4, 8, None, "text"),
    ]


async def test_names_are_names_and_values_are_values(write, fault, store):
    evil = "'); drop table orders; --"
    told = await write('crm.Odd "table" of', [{"id": 1, "a b": evil}], key=["id"])
    assert told["written"] == 1
    assert store.rows('select "a b" from crm."Odd ""table"" of"') == [(evil,)]
    named = 'id") values (1); drop table orders; --'
    for options in ({"columns": ["id", named]}, {"key": [named]}):
        code, _ = await fault("orders", [order(1)], **options)
        assert code in ("column_not_found", "key_unfit")
    code, _ = await fault("orders", [order(1, **{named: 1})])
    assert code == "column_not_found"
    code, _ = await fault('orders"; drop table orders; --', [order(1)])
    assert code == "table_not_found"
    assert store.rows("select count(*) from orders") == [(0,)]


async def test_a_name_may_be_as_long_as_the_server_allows(write, store):
    table = "t" * 63
    store.run(
        f"create table crm.{table} (id int primary key);\n"
        f"grant select, insert, update on crm.{table} to {{role}}"
    )
    assert (await write(f"crm.{table}", [{"id": 1}]))["written"] == 1
    assert store.rows(f"select id from crm.{table}") == [(1,)]  # noqa: S608


@pytest.mark.parametrize(
    ("table", "row", "options", "code", "says"),
    [
        ("nowhere", {"id": 1}, {}, "table_not_found", "/table: There is no table `nowhere`"),
        ("pg_catalog.pg_class", {"oid": 1}, {}, "table_not_found", "/table: "),
        ("orders", {"id": 1, "a/b": 2}, {}, "column_not_found", "/rows/0/a~1b: public.orders"),
        ("orders", {"id": 1}, {"columns": ["id", "x"]}, "column_not_found", "/columns/x: "),
        ("orders", {"id": 1}, {"columns": ["customer"]}, "key_unfit", "/columns: `id`"),
        ("orders", {"id": 1}, {"key": ["customer"]}, "key_unfit", "/key: "),
        ("loose", {"id": 1}, {}, "key_unfit", "/key: public.loose has no primary key"),
        ("parts", {"id": 1, "whole": 2}, {"key": ["id", "place"]}, "column_not_found", "/rows/0/"),
        ("seen", {"id": 1}, {}, "table_not_writable", "/table: public.seen is a view"),
        ("readable", {"id": 1}, {}, "table_not_writable", "/table: The role may not insert"),
        ("once", {"id": 1, "word": "x"}, {}, "table_not_writable", "update `word`"),
    ],
)
async def test_what_is_missing_is_said_by_its_place(fault, store, table, row, options, code, says):
    found, message = await fault(table, [row], **options)
    assert found == code
    assert says in message


async def test_a_role_that_may_insert_alone_inserts(write, store):
    told = await write("once", [{"id": 1, "word": "x"}, {"id": 1, "word": "y"}], mode="insert")
    assert (told["written"], told["skipped"]) == (1, 1)


async def test_only_the_tables_that_are_named(steps, talker, warehouse):  # noqa: F811
    body = WRITABLE | {"tables": ["public.orders"]}
    await connected(talker, **body, dsn=warehouse.owner)
    found = await steps.fault("connector", settings("contacts", [{"id": 1}]))
    assert found.code == "table_not_found"
    found = await steps.fault("connector", settings("crm.hidden", [{"id": 1}]))
    assert found.code == "table_not_found"
    assert (await steps.output("connector", settings("orders", [order(1)])))["written"] == 1


async def test_nothing_is_written_where_nobody_said_so(steps, talker, warehouse):  # noqa: F811
    made = await connected(talker, slug="warehouse", dsn=warehouse.owner)
    whole = settings("orders", [order(1)])
    assert await steps.mistakes("connector", whole) == {"/options/database": "database_read_only"}
    for given in ([order(1)], [], ["no row"]):
        fault = await steps.fault("connector", settings("orders", given))
        assert fault.code == "database_read_only", given
    path = f"/v1/databases/{made['id']}"
    await talker.call("PATCH", path, json={"writable": True})
    assert await steps.mistakes("connector", whole) == {}
    assert (await steps.output("connector", whole))["written"] == 1
    await talker.call("PATCH", path, json={"writable": False})
    assert (await steps.fault("connector", whole)).code == "database_read_only"


async def test_it_takes_the_right_to_run_workflows(steps, talker, store):
    reader = access_of(talker, frozenset({Permission.TOOLS_READ}))
    found = await steps.fault("connector", settings("orders", [order(1)]), access=reader)
    assert found.code == "permission_denied"


async def test_private_addresses_are_not_written_to(steps, talker):
    await connected(talker, **WRITABLE, dsn="postgresql://u:p@10.0.0.7/d")
    found = await steps.fault("connector", settings("orders", [order(1)]))
    assert (found.code, found.retryable) == ("address_refused", False)


async def test_rows_that_others_hold_are_written_later(steps, write, store):
    await write("orders", [order(1)])
    with store.connected() as other:
        other.exec_driver_sql("update orders set state = 'held' where id = 1")
        whole = settings("orders", [order(2), order(1)])
        found = await steps.fault("connector", whole)
    assert (found.code, found.retryable) == ("database_busy", True)
    assert store.rows("select id from orders") == [(1,)]
    assert (await write("orders", [order(2), order(1)]))["written"] == 2


async def test_what_a_dead_process_was_writing_is_not_there(steps, store):
    """Cancelled in the middle, as at the end of a process: the open transaction is undone."""
    store.run(
        "create function slow() returns trigger language plpgsql as "
        "$$ begin perform pg_sleep(0.05); return new; end $$;\n"
        "create trigger slow before insert on orders for each row execute function slow()"
    )
    whole = settings("orders", [order(n) for n in range(60)])
    writing = asyncio.create_task(steps.output("connector", whole))

    async def under_way():
        sql = "select 1 from pg_stat_activity where query like 'insert into%' and state = 'active'"
        return store.rows(sql)

    while not await under_way():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    store.run("drop trigger slow on orders")
    assert store.rows("select count(*) from orders") == [(0,)]
    assert (await steps.output("connector", whole))["written"] == 60


async def test_two_that_write_the_same_do_it_once(write, store):
    rows = [order(n) for n in range(300)]
    told = await asyncio.gather(*(write("orders", rows) for _ in range(4)))
    assert [each["rejected"] for each in told] == [0] * 4
    assert store.rows("select count(*) from orders") == [(300,)]
