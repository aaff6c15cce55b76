"""Credentials of tools: secrets go in, are used at their hosts, and never come out."""

from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from yarl import URL

from app.agents.credentials.errors import ToolCredentialNotFound, ToolCredentialUnusable
from app.agents.credentials.finding import Credentials
from app.agents.credentials.hosts import permits
from app.core.auth import Access, Permission
from app.core.crypto.resealing import sealed_columns
from app.core.db import SYSTEM
from app.tables import Base
from tests.support.audit import trail
from tests.support.chat import Talker
from tests.support.identity import new_person

SECRET = "a-token-that-nobody-may-see-1234"
PATH = "/v1/tools/credentials"
TOKEN = {"kind": "token", "token": SECRET}


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest.fixture
def credentials(kernel):
    return Credentials(kernel.database, kernel.vault)


def access_of(talker) -> Access:
    person = talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, frozenset(Permission), "session", uuid4())


async def made(talker, status=201, **body):
    whole = {"name": "search", "hosts": ["api.example.com"], "secret": TOKEN, **body}
    answer = await talker.call("POST", PATH, json=whole)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_secret_is_never_shown_again(talker, kernel):
    shown = await made(talker)
    path = f"{PATH}/{shown['id']}"
    assert (shown["kind"], shown["ready"], len(shown["fingerprint"])) == ("token", True, 16)
    said = [
        str(shown),
        (await talker.call("GET", path)).text,
        (await talker.call("GET", PATH)).text,
        (await talker.call("PATCH", path, json={"description": "For searches."})).text,
        (await talker.call("GET", "/v1/audit-logs")).text,
    ]
    assert [each for each in said if SECRET in each] == []
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(
            text("select cast(t as text) from tool_credentials t where id = :id"),
            {"id": UUID(shown["id"])},
        )
    assert SECRET not in row
    assert SECRET.encode().hex() not in row


async def test_it_is_found_by_name_and_by_id_and_opened_for_its_own_workspace(
    client, talker, credentials
):
    shown = await made(talker)
    access = access_of(talker)
    for reference in ("search", shown["id"]):
        opened = await credentials.find(access, reference, "token", "headers")
        assert opened.headers() == {"Authorization": f"Bearer {SECRET}"}
        assert SECRET not in repr(opened)
    seen = await trail(talker.http, talker.person, action="tool_credential.opened")
    assert [each["resource"]["id"] for each in seen] == [shown["id"]]
    stranger = access_of(Talker(client, await new_person(client)))
    for reference in ("search", shown["id"]):
        with pytest.raises(ToolCredentialNotFound):
            await credentials.find(stranger, reference)
    with pytest.raises(ToolCredentialUnusable, match="needed is dsn"):
        await credentials.find(access, "search", "dsn")


async def test_new_hosts_need_the_secret(talker, credentials):
    shown = await made(talker, hosts=["api.example.com", "b.example.com"])
    path = f"{PATH}/{shown['id']}"
    refused = await talker.call("PATCH", path, json={"hosts": ["evil.example"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "tool_secret_needed")
    fewer = await talker.call("PATCH", path, json={"hosts": ["b.example.com"]})
    assert fewer.json()["hosts"] == ["b.example.com"]
    new = {
        "hosts": ["c.example.com"],
        "secret": {"kind": "basic", "username": "u", "password": "p"},
    }
    assert (await talker.call("PATCH", path, json=new)).json()["kind"] == "basic"
    opened = await credentials.find(access_of(talker), "search")
    assert opened.headers() == {"Authorization": "Basic dTpw"}
    assert (opened.may_go_to(URL("https://c.example.com/x")), opened.hosts) == (
        True,
        ("c.example.com",),
    )
    assert not opened.may_go_to(URL("https://b.example.com/x"))


async def test_a_deleted_one_loses_its_secret(talker, credentials):
    shown = await made(talker)
    path = f"{PATH}/{shown['id']}"
    assert (await talker.call("DELETE", path)).status_code == 204
    again = await made(talker)
    taken = await talker.call("POST", f"{path}/restore")
    assert (taken.status_code, taken.json()["code"]) == (409, "tool_credential_name_taken")
    await talker.call("DELETE", f"{PATH}/{again['id']}")
    back = await talker.call("POST", f"{path}/restore")
    assert (back.status_code, back.json()["ready"]) == (200, False)
    access = access_of(talker)
    assert not await credentials.exists(access, "search")
    with pytest.raises(ToolCredentialUnusable):
        await credentials.find(access, "search")
    await talker.call("PATCH", path, json={"hosts": ["other.example.com"], "secret": TOKEN})
    assert await credentials.exists(access, "search")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"hosts": []}, "/body"),
        ({"hosts": ["https://api.example.com"]}, "/body/hosts/0"),
        ({"hosts": ["*.com"]}, "/body/hosts/0"),
        ({"hosts": ["*"]}, "/body/hosts/0"),
        ({"name": "With Space"}, "/body/name"),
        ({"secret": {"kind": "token", "token": "two\nlines"}}, "/body/secret/token"),
        ({"secret": {"kind": "headers", "headers": {"Host": "x"}}}, "/body/secret/headers"),
        ({"secret": {"kind": "dsn", "dsn": "postgres://x"}}, "/body"),
    ],
)
async def test_what_does_not_fit_is_refused(talker, body, pointer):
    problem = await made(talker, status=422, **body)
    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert "two\\nlines" not in str(problem)


async def test_bulk_deletes_each_on_its_own(talker):
    first, second = await made(talker, name="one"), await made(talker, name="two")
    items = [{"action": "delete", "id": each} for each in (first["id"], str(uuid4()), second["id"])]
    answer = await talker.call("POST", f"{PATH}/bulk", json={"items": items})
    assert [each["ok"] for each in answer.json()["data"]] == [True, False, True]
    assert (await talker.call("GET", PATH)).json()["data"] == []


def test_the_rotation_of_the_master_key_finds_them():
    named = {column.name for column in sealed_columns(Base.metadata)}
    assert "tool_credentials.sealed_secret" in named


@pytest.mark.parametrize(
    ("pattern", "url", "fits"),
    [
        ("api.example.com", "https://API.example.com./x", True),
        ("api.example.com", "https://api.example.com.evil.net/", False),
        ("api.example.com", "https://xapi.example.com/", False),
        ("*.example.com", "https://a.b.example.com/", True),
        ("*.example.com", "https://example.com/", False),
        ("*.example.com", "https://evilexample.com/", False),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/", True),
        ("127.0.0.1:8080", "http://127.0.0.1:8081/", False),
        ("[::1]:80", "http://[::1]/", True),
    ],
)
def test_a_pattern_matches_hosts_and_nothing_else(pattern, url, fits):
    assert permits([pattern], URL(url)) is fits


async def test_a_name_that_looks_like_an_id_is_a_name(talker, credentials):
    name = "0a1b2c3d" * 4
    await made(talker, name=name)
    assert (await credentials.find(access_of(talker), name)).name == name
