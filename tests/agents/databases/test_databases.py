"""Connected databases: their addresses go in and never come out."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.crypto.resealing import sealed_columns
from app.core.db import SYSTEM
from app.tables import Base
from tests.support.chat import Talker
from tests.support.identity import new_person

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATH = "/v1/databases"
DSN = "postgresql://reader:a-password-that-nobody-may-see@db.example.com/shop"


async def made(talker, status=201, **body):
    answer = await talker.call("POST", PATH, json={"slug": "shop", "name": "Shop", **body})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_the_dsn_is_sealed_and_never_shown(talker, kernel):
    shown = await made(talker, dsn=DSN)
    path = f"{PATH}/{shown['id']}"
    assert (shown["address"], shown["ready"]) == ("db.example.com:5432/shop", True)
    said = [
        str(shown),
        (await talker.call("GET", path)).text,
        (await talker.call("GET", PATH)).text,
        (await talker.call("PATCH", path, json={"description": "Orders."})).text,
        (await talker.call("GET", "/v1/audit-logs")).text,
    ]
    assert [each for each in said if "a-password-that" in each] == []
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(
            text("select cast(d as text) from databases d where id = :id"),
            {"id": UUID(shown["id"])},
        )
    assert "a-password-that" not in row
    assert b"a-password-that".hex() not in row


async def test_a_deleted_one_loses_its_dsn_for_good(talker):
    shown = await made(talker, dsn=DSN)
    path = f"{PATH}/{shown['id']}"

    assert (await talker.call("DELETE", path)).status_code == 204
    assert (await talker.call("GET", path)).status_code == 404
    again = await talker.call("POST", f"{path}/restore")

    assert (again.status_code, again.json()["ready"]) == (200, False)
    tried = (await talker.call("POST", f"{path}/test")).json()
    assert (tried["ok"], tried["error"]["code"]) == (False, "database_unusable")


async def test_a_slug_is_there_once(talker):
    await made(talker, dsn=DSN)

    assert (await made(talker, 409, dsn=DSN))["code"] == "database_slug_taken"


@pytest.mark.parametrize(
    "dsn",
    [
        "mysql://reader:pw@db.example.com/shop",
        "postgresql://db.example.com/shop",
        "postgresql://reader:pw@db.example.com/",
        "postgresql://reader:pw@/shop?host=/var/run/postgresql",
        "postgresql://reader:pw@%2Fvar%2Frun/shop",
        "postgresql://reader:pw@a.example.com,b.example.com/shop",
        "postgresql://reader:pw@db.example.com:99999/shop",
        "postgresql://reader:pw@db.example.com/shop?sslrootcert=/etc/passwd",
        "postgresql://reader:pw@db.example.com/shop?sslmode=prefer",
        "postgresql://reader:pw@db.example.com/shop?passfile=/etc/passwd",
        "shop",
    ],
)
async def test_a_dsn_that_is_none_is_refused_without_being_repeated(talker, dsn):
    refused = await made(talker, 422, dsn=dsn)

    assert (refused["code"], refused["errors"][0]["pointer"]) == ("dsn_invalid", "/body/dsn")
    assert "example.com" not in refused["detail"].replace("db.example.com:5432/shop", "")


async def test_the_dsn_is_resealed_with_the_others():
    columns = {str(each.column) for each in sealed_columns(Base.metadata)}

    assert "databases.sealed_dsn" in columns


async def test_a_test_says_what_the_role_may(talker, shop):
    reader = await made(talker, dsn=shop.reader)
    owner = await made(talker, dsn=shop.owner, slug="owned")

    good = (await talker.call("POST", f"{PATH}/{reader['id']}/test")).json()
    bad = (await talker.call("POST", f"{PATH}/{owner['id']}/test")).json()

    assert (good["ok"], good["tables"], good["warnings"]) == (True, 3, [])
    assert bad["ok"]
    assert [each.split(":")[0] for each in bad["warnings"]] == [
        "The role is a superuser",
        "The role may write to 3 tables",
    ]
    shown = (await talker.call("GET", f"{PATH}/{owner['id']}")).json()
    assert (shown["status"], shown["warnings"]) == ("working", bad["warnings"])


async def test_a_database_is_writable_where_somebody_said_so_and_the_trail_tells(talker):
    shown = await made(talker, dsn=DSN)
    path = f"{PATH}/{shown['id']}"
    assert shown["writable"] is False
    for body in ({"writable": True}, {"name": "Same"}, {"writable": True}, {"writable": False}):
        answer = await talker.call("PATCH", path, json=body)
        assert (answer.status_code, answer.json()["writable"]) == (200, body.get("writable", True))
    other = await made(talker, dsn=DSN, slug="other", writable=True)
    rows = (await talker.call("GET", "/v1/audit-logs")).json()["data"]
    told = [
        (row["action"], row["resource"]["id"]) for row in rows if "database.made" in row["action"]
    ]
    assert told == [
        ("database.made_writable", other["id"]),
        ("database.made_read_only", shown["id"]),
        ("database.made_writable", shown["id"]),
    ]


async def test_a_database_that_is_restored_is_written_to_by_nobody(talker):
    path = f"{PATH}/{(await made(talker, dsn=DSN, writable=True))['id']}"
    await talker.call("DELETE", path)
    assert (await talker.call("POST", f"{path}/restore")).json()["writable"] is False


async def test_a_test_of_a_writable_one_says_where_the_role_may_not_write(talker, shop):
    ids = [
        (await made(talker, slug=slug, dsn=dsn, writable=True))["id"]
        for slug, dsn in (("a", shop.reader), ("b", shop.owner))
    ]
    tried = [(await talker.call("POST", f"{PATH}/{each}/test")).json()["warnings"] for each in ids]
    assert tried == [
        ["The database is `writable`, but the role may write to no table."],
        ["The role is a superuser: use one that may only read."],
    ]


async def test_a_role_that_may_write_to_columns_may_write(talker, warehouse):
    warehouse.run(
        "revoke insert, update on all tables in schema public, crm from {role};\n"
        "grant insert (id) on public.loose to {role}"
    )
    ids = [
        (await made(talker, slug=slug, dsn=warehouse.dsn, writable=writable))["id"]
        for slug, writable in (("a", True), ("b", False))
    ]
    tried = [(await talker.call("POST", f"{PATH}/{each}/test")).json()["warnings"] for each in ids]
    assert tried == [[], ["The role may write to 1 tables: use one that may not."]]


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("10.0.0.7", "address_refused"),
        ("169.254.169.254", "address_refused"),
        ("[::1]", "address_refused"),
        ("[::ffff:10.0.0.1]", "address_refused"),
        ("127.1", "address_refused"),
        ("nowhere.invalid", "database_failed"),
    ],
)
async def test_private_addresses_are_not_connected_to(talker, host, code):
    shown = await made(talker, dsn=f"postgresql://reader:pw@{host}/shop")

    tried = (await talker.call("POST", f"{PATH}/{shown['id']}/test")).json()

    assert (tried["ok"], tried["error"]["code"]) == (False, code)


async def test_a_server_without_tls_is_refused_unless_the_dsn_says_so(talker, shop):
    shown = await made(talker, dsn=shop.reader.replace("sslmode=disable", "sslmode=require"))

    tried = (await talker.call("POST", f"{PATH}/{shown['id']}/test")).json()

    assert (tried["ok"], tried["error"]["code"]) == (False, "database_failed")


async def test_it_is_another_tenants_to_nobody(client, talker):
    shown = await made(talker, dsn=DSN)
    other = Talker(client, await new_person(client))
    path = f"{PATH}/{shown['id']}"

    answers = [
        await other.call("GET", path),
        await other.call("PATCH", path, json={"name": "Mine"}),
        await other.call("DELETE", path),
        await other.call("POST", f"{path}/restore"),
        await other.call("POST", f"{path}/test"),
    ]

    assert [each.status_code for each in answers] == [404] * 5
    assert (await other.call("GET", PATH)).json()["data"] == []


GARBAGE = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "no text": b"R\0\0\0\x08\0\0\0\0S\0\0\0\x10\xff\xfe\xff\xff\0aaaaaaa",
    "nothing": b"",
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE.keys())
async def test_a_server_that_is_no_postgres_is_a_failure_and_no_error_of_ours(talker, said):
    async def answer(reader, writer):
        await reader.read(10)
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        shown = await made(talker, dsn=f"postgresql://u:p@127.0.0.1:{port}/d?sslmode=disable")
        tried = await talker.call("POST", f"{PATH}/{shown['id']}/test")
    assert tried.status_code == 200, tried.text
    assert tried.json()["error"]["code"] == "database_failed"
    assert "None" not in tried.json()["error"]["detail"]


@pytest.mark.parametrize("host", [f"{'a' * 70}.com", "a..b"])
async def test_a_host_that_no_name_can_be_is_a_failure(talker, host):
    shown = await made(talker, dsn=f"postgresql://u:p@{host}/d")
    tried = await talker.call("POST", f"{PATH}/{shown['id']}/test")
    assert (tried.status_code, tried.json()["ok"]) == (200, False)
