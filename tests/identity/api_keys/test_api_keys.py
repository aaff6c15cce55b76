"""/v1/api-keys."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.api_keys import secret
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.service import ASKED_FOR
from app.identity.workspaces.models import Membership
from tests.support.identity import bearer, new_key, new_person


async def test_the_key_is_shown_once_and_kept_as_a_hash(client, kernel):
    person = await new_person(client)
    answer = await client.post("/v1/api-keys", json={"name": "A"}, headers=person.headers)
    made = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/v1/api-keys/{made['id']}"
    assert made["last_four"] == made["key"][-4:]
    got = await client.get(answer.headers["location"], headers=person.headers)
    assert got.json() == {k: v for k, v in made.items() if k != "key"}
    listed = await client.get("/v1/api-keys", headers=person.headers)
    assert made["key"] not in listed.text
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(ApiKey, made["id"])
    assert row.secret_hash == secret.hash_of(made["key"])


async def test_without_scopes_a_key_gets_what_is_harmless_to_hand_out(client):
    person = await new_person(client)
    key = await new_key(client, person)
    mine = (await client.get("/v1/me", headers=person.headers)).json()["permissions"]
    assert key["scopes"] == sorted(set(mine) - ASKED_FOR)
    # What it may change are its owner's own works, and never what it is itself bound by.
    changes = {scope.partition(":")[0] for scope in key["scopes"] if scope.endswith(":write")}
    works = {"batches", "collections", "conversations", "dictionary", "fine_tuning", "graph"}
    works |= {"agents", "evaluations", "mailboxes", "memories", "templates", "workflows"}
    assert changes == works | {"feedback", "runs", "search"}


async def test_asked_for_scopes_are_given_once_each(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["models:read", "api_keys:write", "models:read"])
    assert key["scopes"] == ["api_keys:write", "models:read"]


async def test_a_key_does_what_its_scopes_say_and_no_more(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["workspaces:read"])
    headers = bearer(key["key"])
    assert (await client.get("/v1/workspaces", headers=headers)).status_code == 200
    for method, path, body in [
        ("GET", "/v1/me", None),
        ("PATCH", "/v1/me", {"name": "A"}),
        ("GET", "/v1/api-keys", None),
        ("POST", "/v1/api-keys", {"name": "A"}),
        ("DELETE", f"/v1/api-keys/{key['id']}", None),
        ("POST", "/v1/workspaces", {"name": "A"}),
    ]:
        answer = await client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), path


async def test_a_key_makes_no_key_that_is_stronger(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["api_keys:write", "models:read"])
    headers = bearer(key["key"])
    wanted = {"name": "B", "scopes": ["models:read", "runs:write"]}
    refused = await client.post("/v1/api-keys", json=wanted, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_not_held")
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/body/scopes/1"]
    weaker = await client.post("/v1/api-keys", json={"name": "B"}, headers=headers)
    assert weaker.json()["scopes"] == ["models:read"]


async def test_a_viewer_makes_no_keys(client, kernel):
    person = await new_person(client)
    await set_role(kernel, person, "viewer")
    answer = await client.post("/v1/api-keys", json={"name": "A"}, headers=person.headers)
    # The personal workspace is the one that a person owns, so a viewer must name it.
    assert answer.status_code == 404
    named = person.headers | {"X-Workspace-Id": person.workspace_id}
    answer = await client.post("/v1/api-keys", json={"name": "A"}, headers=named)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def set_role(kernel, person, role):
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(Membership).where(Membership.user_id == person.user_id).values(role=role)
        )


async def test_a_key_loses_what_its_user_loses(client, kernel):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["models:invoke", "profile:read"])
    await set_role(kernel, person, "viewer")
    me = (await client.get("/v1/me", headers=bearer(key["key"]))).json()
    assert me["permissions"] == ["profile:read"]


async def test_a_key_of_someone_who_left_is_dead(client, kernel):
    person = await new_person(client)
    key = await new_key(client, person)
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(Membership).where(Membership.user_id == person.user_id))
        await session.delete(row)
    answer = await client.get("/v1/me", headers=bearer(key["key"]))
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_revoked")


async def test_a_key_serves_its_own_workspace_alone(client):
    person = await new_person(client)
    key = await new_key(client, person)
    team = await client.post("/v1/workspaces", json={"name": "Team"}, headers=person.headers)
    own = bearer(key["key"]) | {"X-Workspace-Id": person.workspace_id}
    assert (await client.get("/v1/me", headers=own)).status_code == 200
    for other in (team.json()["id"], str(uuid4())):
        answer = await client.get("/v1/me", headers=own | {"X-Workspace-Id": other})
        assert (answer.status_code, answer.json()["code"]) == (404, "workspace_not_found")


async def test_a_revoked_key_is_dead_at_once(client):
    person = await new_person(client)
    key = await new_key(client, person)
    headers = bearer(key["key"])
    assert (await client.get("/v1/me", headers=headers)).status_code == 200
    for _ in range(2):
        gone = await client.delete(f"/v1/api-keys/{key['id']}", headers=person.headers)
        assert gone.status_code == 204
    for _ in range(2):
        answer = await client.get("/v1/me", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "api_key_revoked")
    shown = await client.get(f"/v1/api-keys/{key['id']}", headers=person.headers)
    assert shown.json()["revoked_at"]


async def test_a_key_can_revoke_itself(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["api_keys:write"])
    headers = bearer(key["key"])
    gone = await client.delete(f"/v1/api-keys/{key['id']}", headers=headers)
    assert gone.status_code == 204
    again = await client.delete(f"/v1/api-keys/{key['id']}", headers=headers)
    assert again.status_code == 401


async def test_a_key_dies_when_it_expires_also_while_it_is_remembered(client, kernel):
    person = await new_person(client)
    ends = now() + timedelta(seconds=3)
    key = await new_key(client, person, expires_at=ends.isoformat())
    headers = bearer(key["key"])
    assert (await client.get("/v1/me", headers=headers)).status_code == 200
    while now() <= ends:
        await client.get("/v1/me", headers=headers)
        await asyncio.sleep(0.02)
    answer = await client.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_expired")
    kernel.resolver._known.clear()
    answer = await client.get("/v1/me", headers=headers)
    assert answer.json()["code"] == "api_key_expired"


async def test_a_key_can_be_renamed(client):
    person = await new_person(client)
    key = await new_key(client, person)
    path = f"/v1/api-keys/{key['id']}"
    answer = await client.patch(path, json={"name": "Other"}, headers=person.headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "Other")


async def test_the_list_is_newest_first_and_walks(client):
    person = await new_person(client)
    made = [(await new_key(client, person))["id"] for _ in range(3)]
    page = (await client.get("/v1/api-keys?limit=2", headers=person.headers)).json()
    rest = await client.get(
        "/v1/api-keys",
        params={"limit": 2, "cursor": page["next_cursor"]},
        headers=person.headers,
    )
    assert [k["id"] for k in page["data"] + rest.json()["data"]] == made[::-1]


async def test_a_strangers_key_is_not_there(client, kernel):
    person, stranger = await new_person(client), await new_person(client)
    key = await new_key(client, stranger)
    path = f"/v1/api-keys/{key['id']}"
    answers = [
        await client.get(path, headers=person.headers),
        await client.patch(path, json={"name": "Mine"}, headers=person.headers),
        await client.delete(path, headers=person.headers),
        await client.get(f"/v1/api-keys/{uuid4()}", headers=person.headers),
    ]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(404, "api_key_not_found")}
    assert (await client.get("/v1/me", headers=bearer(key["key"]))).status_code == 200


async def test_a_colleagues_key_is_not_there_either(client, kernel):
    owner, colleague = await new_person(client), await new_person(client)
    key = await new_key(client, owner)
    async with kernel.database.unit(SYSTEM) as session:
        session.add(
            Membership(workspace_id=owner.workspace_id, user_id=colleague.user_id, role="editor")
        )
    headers = colleague.headers | {"X-Workspace-Id": owner.workspace_id}
    assert (await client.get("/v1/api-keys", headers=headers)).json()["data"] == []
    gone = await client.delete(f"/v1/api-keys/{key['id']}", headers=headers)
    assert gone.status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/body/name"),
        ({"name": ""}, "/body/name"),
        ({"name": "x" * 201}, "/body/name"),
        ({"name": "A", "scopes": []}, "/body/scopes"),
        ({"name": "A", "scopes": "models:read"}, "/body/scopes"),
        ({"name": "A", "scopes": ["everything"]}, "/body/scopes/0"),
        ({"name": "A", "scopes": ["models:read"] * 101}, "/body/scopes"),
        ({"name": "A", "expires_at": "2020-01-01T00:00:00Z"}, "/body/expires_at"),
        ({"name": "A", "expires_at": "0001-01-01T00:00:00+14:00"}, "/body/expires_at"),
        ({"name": "A", "expires_at": "9999-12-31T23:59:59-14:00"}, "/body/expires_at"),
        ({"name": "A", "expires_at": "2090-01-01T00:00:00"}, "/body/expires_at"),
        ({"name": "A", "expires_at": "tomorrow"}, "/body/expires_at"),
        ({"name": "A", "expires_at": 1e300}, "/body/expires_at"),
        ({"name": "A", "key": "lum_live_mine"}, "/body/key"),
    ],
)
async def test_a_bad_field_is_named(client, body, pointer):
    person = await new_person(client)
    answer = await client.post("/v1/api-keys", json=body, headers=person.headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_id_that_is_none_is_named(client):
    person = await new_person(client)
    answer = await client.get("/v1/api-keys/first", headers=person.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/path/api_key_id"
