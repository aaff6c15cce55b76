"""/v1/service-accounts."""

import httpx2
import pytest
import pytest_asyncio

from app.core.db import SYSTEM
from app.identity.users.models import User
from tests.support.identity import bearer, new_person
from tests.support.teams import code, new_team

ACCOUNTS = "/v1/service-accounts"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(address):
    """An owner and another person, for the tests of this module."""
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return [await new_person(http) for _ in range(2)]


@pytest_asyncio.fixture(loop_scope="session")
async def team(client, people):
    return await new_team(client, people[0])


async def new_account(team, owner, role="editor", **body):
    made = await team.call(owner, "POST", ACCOUNTS, {"name": "Import", "role": role, **body})
    assert made.status_code == 201, made.text
    return made.json()


async def new_key(team, person, account, **body):
    path = f"{ACCOUNTS}/{account['id']}/api-keys"
    return await team.call(person, "POST", path, {"name": "Nightly", **body})


async def test_it_is_a_member_that_works_with_keys_of_its_own(team, people):
    owner = people[0]
    account = await new_account(team, owner)
    member = (await team.call(owner, "GET", f"/v1/members/{account['member_id']}")).json()
    assert (member["kind"], member["name"], member["email"]) == ("service", "Import", None)
    key = await new_key(team, owner, account, scopes=["conversations:write", "profile:read"])
    assert key.headers["cache-control"] == "no-store"
    headers = bearer(key.json()["key"])
    me = (await team.http.get("/v1/me", headers=headers)).json()
    assert me["user"]["id"] == account["user_id"]
    assert me["workspace"]["id"] == team.id
    made = await team.http.post("/v1/conversations", json={"title": "A"}, headers=headers)
    assert made.json()["user_id"] == account["user_id"]


async def test_nothing_signs_it_in(team, people, kernel):
    account = await new_account(team, people[0])
    async with kernel.database.unit(SYSTEM) as session:
        user = await session.get(User, account["user_id"])
    assert user.password_hash is None
    for password in ("a few plain words", "None", ""):
        answer = await team.http.post(
            "/v1/auth/login", json={"email": user.email, "password": password}
        )
        assert answer.status_code in (401, 422)
    registered = await team.http.post(
        "/v1/auth/register", json={"email": user.email, "password": "a few plain words"}
    )
    assert registered.status_code == 422


async def test_its_keys_do_no_more_than_it_and_no_more_than_their_maker(team, people):
    owner, maker = people
    account = await new_account(team, owner, "viewer")
    beyond = await new_key(team, owner, account, scopes=["conversations:write"])
    assert code(beyond) == (403, "scope_not_held")
    body = {"name": "Maker", "permissions": ["service_accounts:write", "models:read"]}
    role = (await team.call(owner, "POST", "/v1/roles", body)).json()
    await team.take_in(owner, maker, "custom", role_id=role["id"])
    refused = await new_key(team, maker, account, scopes=["conversations:read"])
    assert code(refused) == (403, "scope_not_held")
    made = await new_key(team, maker, account)
    assert made.json()["scopes"] == ["models:read"]


async def test_who_may_see_to_it_sees_to_its_keys(team, people):
    owner, other = people
    account = await new_account(team, owner)
    key = (await new_key(team, owner, account)).json()
    path = f"/v1/api-keys/{key['id']}"
    await team.take_in(owner, other, "editor")
    for method, end in (("GET", ""), ("PATCH", ""), ("DELETE", "")):
        body = {"name": "Mine"} if method == "PATCH" else None
        answer = await team.call(other, method, path + end, body)
        assert code(answer) == (404, "api_key_not_found")
    listed = await team.call(owner, "GET", f"{ACCOUNTS}/{account['id']}/api-keys")
    assert [k["id"] for k in listed.json()["data"]] == [key["id"]]
    assert key["id"] not in (await team.call(owner, "GET", "/v1/api-keys")).text
    rotated = await team.call(owner, "POST", f"{path}/rotate", {"overlap_seconds": 0})
    assert rotated.status_code == 200
    assert (await team.call(owner, "DELETE", path)).status_code == 204
    dead = await team.http.get("/v1/models", headers=bearer(rotated.json()["key"]))
    assert code(dead) == (401, "api_key_revoked")


async def test_a_deleted_one_is_gone_with_its_keys(team, people):
    owner = people[0]
    account = await new_account(team, owner)
    key = (await new_key(team, owner, account)).json()
    headers = bearer(key["key"])
    assert (await team.http.get("/v1/models", headers=headers)).status_code == 200
    path = f"{ACCOUNTS}/{account['id']}"
    refused = await team.call(owner, "DELETE", f"/v1/members/{account['member_id']}")
    assert code(refused) == (409, "service_account_member")
    assert (await team.call(owner, "DELETE", path)).status_code == 204
    assert (await team.http.get("/v1/models", headers=headers)).status_code == 401
    assert code(await team.call(owner, "GET", path)) == (404, "service_account_not_found")
    members = await team.call(owner, "GET", "/v1/members")
    assert account["member_id"] not in members.text


async def test_it_is_renamed_where_it_is_seen(team, people):
    owner = people[0]
    account = await new_account(team, owner)
    path = f"{ACCOUNTS}/{account['id']}"
    changed = await team.call(owner, "PATCH", path, {"name": "Export", "description": "Daily."})
    assert (changed.json()["name"], changed.json()["description"]) == ("Export", "Daily.")
    member = await team.call(owner, "GET", f"/v1/members/{account['member_id']}")
    assert member.json()["name"] == "Export"
    headers = {**team.headers(owner), "If-Match": f'"v{account["version"]}"'}
    stale = await team.http.patch(path, json={"name": "Late"}, headers=headers)
    assert code(stale) == (412, "precondition_failed")


async def test_a_suspended_one_is_shut_out(team, people):
    owner = people[0]
    account = await new_account(team, owner)
    headers = bearer((await new_key(team, owner, account)).json()["key"])
    assert (await team.http.get("/v1/models", headers=headers)).status_code == 200
    await team.call(owner, "POST", f"/v1/members/{account['member_id']}/suspend")
    shut = await team.http.get("/v1/models", headers=headers)
    assert code(shut) == (403, "membership_suspended")


async def test_it_owns_nothing(team, people):
    owner = people[0]
    made = await team.call(owner, "POST", ACCOUNTS, {"name": "A", "role": "owner"})
    assert code(made) == (409, "service_account_member")
    account = await new_account(team, owner)
    path = f"/v1/members/{account['member_id']}"
    assert code(await team.call(owner, "PATCH", path, {"role": "owner"})) == (
        409,
        "service_account_member",
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"role": "viewer"}, "/body/name"),
        ({"name": "A"}, "/body/role"),
        ({"name": "A", "role": "viewer", "description": "x" * 1001}, "/body/description"),
        ({"name": "A", "role": "viewer", "email": "a@example.com"}, "/body/email"),
    ],
)
async def test_a_bad_field_is_named(team, people, body, pointer):
    answer = await team.call(people[0], "POST", ACCOUNTS, body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_in_a_personal_workspace_it_stops_with_the_owners_account(client):
    owner = await new_person(client)
    program = {"name": "Import", "role": "editor"}
    made = await client.post(ACCOUNTS, json=program, headers=owner.headers)
    path = f"{ACCOUNTS}/{made.json()['id']}/api-keys"
    key = await client.post(path, json={"name": "Nightly"}, headers=owner.headers)
    closed = await client.post("/v1/me/deactivate", headers=owner.headers)
    assert closed.status_code == 204, closed.text
    answer = await client.get("/v1/me", headers=bearer(key.json()["key"]))
    assert code(answer) == (401, "account_inactive")
