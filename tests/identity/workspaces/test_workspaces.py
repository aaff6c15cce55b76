"""/v1/workspaces."""

from itertools import pairwise
from uuid import uuid4

import pytest

from app.core.auth import Permission
from app.core.db import SYSTEM
from app.identity.workspaces.models import Membership
from app.identity.workspaces.roles import Role, permissions_of
from tests.support.identity import bearer, new_key, new_person


async def create(client, person, name="Team"):
    answer = await client.post("/v1/workspaces", json={"name": name}, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_new_workspace_belongs_to_its_maker(client):
    person = await new_person(client)
    answer = await client.post("/v1/workspaces", json={"name": " Team "}, headers=person.headers)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["name"], made["kind"], made["role"]) == ("Team", "team", "owner")
    assert answer.headers["location"] == f"/v1/workspaces/{made['id']}"
    got = await client.get(answer.headers["location"], headers=person.headers)
    assert got.json() == made


async def test_the_list_is_walked_page_by_page(client):
    person = await new_person(client)
    made = [(await create(client, person, f"Team {n}"))["id"] for n in range(4)]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/workspaces", params=query, headers=person.headers)).json()
        seen += [w["id"] for w in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == [*reversed(made), person.workspace_id]
    assert cursor is None


async def test_a_cursor_of_another_person_is_refused(client):
    person, stranger = await new_person(client), await new_person(client)
    await create(client, person)
    page = (await client.get("/v1/workspaces?limit=1", headers=person.headers)).json()
    answer = await client.get(
        "/v1/workspaces", params={"cursor": page["next_cursor"]}, headers=stranger.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "cursor_invalid")


async def test_it_can_be_renamed_from_within_another(client):
    person = await new_person(client)
    made = await create(client, person)
    answer = await client.patch(
        f"/v1/workspaces/{made['id']}", json={"name": "Other"}, headers=person.headers
    )
    assert (answer.status_code, answer.json()["name"]) == (200, "Other")
    assert answer.json()["updated_at"] > made["updated_at"]


async def test_a_strangers_workspace_is_not_there(client):
    person, stranger = await new_person(client), await new_person(client)
    for workspace_id in (stranger.workspace_id, str(uuid4())):
        path = f"/v1/workspaces/{workspace_id}"
        got = await client.get(path, headers=person.headers)
        patched = await client.patch(path, json={"name": "Mine"}, headers=person.headers)
        for answer in (got, patched):
            assert (answer.status_code, answer.json()["code"]) == (404, "workspace_not_found")
    assert person.workspace_id not in str(
        (await client.get("/v1/workspaces", headers=stranger.headers)).json()
    )


async def test_a_key_knows_its_own_workspace_alone(client):
    person = await new_person(client)
    other = await create(client, person)
    key = await new_key(client, person, scopes=["workspaces:read", "workspaces:write"])
    headers = bearer(key["key"])
    listed = (await client.get("/v1/workspaces", headers=headers)).json()["data"]
    assert [w["id"] for w in listed] == [person.workspace_id]
    path = f"/v1/workspaces/{other['id']}"
    assert (await client.get(path, headers=headers)).status_code == 404
    renamed = await client.patch(path, json={"name": "Mine"}, headers=headers)
    assert renamed.status_code == 404
    made = await client.post("/v1/workspaces", json={"name": "New"}, headers=headers)
    assert made.status_code == 403
    own = f"/v1/workspaces/{person.workspace_id}"
    assert (await client.patch(own, json={"name": "Mine"}, headers=headers)).status_code == 200


async def test_a_key_that_may_only_read_renames_nothing(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["workspaces:read"])
    answer = await client.patch(
        f"/v1/workspaces/{person.workspace_id}",
        json={"name": "Mine"},
        headers=bearer(key["key"]),
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def join(kernel, person, workspace_id, role):
    async with kernel.database.unit(SYSTEM) as session:
        session.add(Membership(workspace_id=workspace_id, user_id=person.user_id, role=role))


@pytest.mark.parametrize("role", ["viewer", "editor"])
async def test_members_without_the_permission_see_and_do_not_rename(client, kernel, role):
    owner, member = await new_person(client), await new_person(client)
    team = await create(client, owner)
    await join(kernel, member, team["id"], role)
    path = f"/v1/workspaces/{team['id']}"
    got = await client.get(path, headers=member.headers)
    assert (got.status_code, got.json()["role"]) == (200, role)
    for headers in (member.headers, member.headers | {"X-Workspace-Id": team["id"]}):
        answer = await client.patch(path, json={"name": "Mine"}, headers=headers)
        assert answer.status_code == 403


def test_a_role_this_version_does_not_know_may_do_nothing():
    assert permissions_of("emperor") == frozenset()


def test_roles_grow_from_viewer_to_owner():
    ladder = [permissions_of(r) for r in (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER)]
    assert all(lower <= higher for lower, higher in pairwise(ladder))
    assert ladder[-1] == frozenset(Permission)
    assert not any(p.endswith(":write") and p != "profile:write" for p in ladder[0])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/body/name"),
        ({"name": " "}, "/body/name"),
        ({"name": "x" * 201}, "/body/name"),
        ({"name": {}}, "/body/name"),
        ({"name": "A", "kind": "personal"}, "/body/kind"),
    ],
)
async def test_a_bad_field_is_named(client, body, pointer):
    person = await new_person(client)
    made = await client.post("/v1/workspaces", json=body, headers=person.headers)
    path = f"/v1/workspaces/{person.workspace_id}"
    changed = await client.patch(path, json=body, headers=person.headers)
    for answer in (made, changed):
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("limit=0", "/query/limit"), ("limit=201", "/query/limit"), ("page=2", "/query/page")],
)
async def test_a_bad_query_is_named(client, query, pointer):
    person = await new_person(client)
    answer = await client.get(f"/v1/workspaces?{query}", headers=person.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
