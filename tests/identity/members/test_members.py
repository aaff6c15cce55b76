"""/v1/members."""

import asyncio
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import text

from app.core.db import SYSTEM
from app.identity.access import IdentityResolver
from app.identity.api_keys.errors import ApiKeyRevoked
from app.identity.users.models import User
from app.identity.workspaces import crud as workspaces
from tests.support.identity import bearer, new_person, until
from tests.support.teams import Team, code, new_team


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(address):
    """An owner and two others, for the tests of this module."""
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return [await new_person(http) for _ in range(3)]


@pytest_asyncio.fixture(loop_scope="session")
async def team(client, people):
    return await new_team(client, people[0])


async def key_of(team, person, **body):
    made = await team.call(person, "POST", "/v1/api-keys", {"name": "A", **body})
    assert made.status_code == 201, made.text
    return made.json()


async def test_members_are_listed_with_names_and_addresses(team, people):
    owner, other, _ = people
    await team.take_in(owner, other)
    listed = (await team.call(owner, "GET", "/v1/members")).json()["data"]
    assert [(m["email"], m["role"], m["kind"]) for m in listed] == [
        (other.email, "editor", "person"),
        (owner.email, "owner", "person"),
    ]
    shown = await team.call(other, "GET", f"/v1/members/{listed[1]['id']}")
    assert shown.json() == listed[1]
    assert shown.headers["etag"] == f'"v{listed[1]["version"]}"'


async def test_members_are_found_by_name_role_and_standing(team, people):
    owner, other, _ = people
    member_id = await team.take_in(owner, other, "viewer")
    await team.call(owner, "POST", f"/v1/members/{member_id}/suspend")
    for query, expected in [
        (f"q={other.email[:12].upper()}", [member_id]),
        ("q=%25", []),
        ("role=viewer", [member_id]),
        ("suspended=true", [member_id]),
        ("role=admin", []),
    ]:
        found = (await team.call(owner, "GET", f"/v1/members?{query}")).json()["data"]
        assert [m["id"] for m in found] == expected, query


async def test_a_viewer_does_not_see_the_members(team, people):
    owner, other, _ = people
    await team.take_in(owner, other, "viewer")
    assert code(await team.call(other, "GET", "/v1/members")) == (403, "scope_missing")


async def test_a_changed_role_holds_at_once_for_sessions_and_keys(team, people):
    owner, other, _ = people
    member_id = await team.take_in(owner, other)
    key = await key_of(team, other, scopes=["conversations:write", "profile:read"])
    make = {"title": "A"}
    headers = bearer(key["key"])
    assert (await team.http.post("/v1/conversations", json=make, headers=headers)).is_success
    changed = await team.call(owner, "PATCH", f"/v1/members/{member_id}", {"role": "viewer"})
    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    for answer in (
        await team.http.post("/v1/conversations", json=make, headers=headers),
        await team.call(other, "POST", "/v1/conversations", make),
    ):
        assert code(answer) == (403, "scope_missing")


async def test_of_two_who_change_one_member_the_second_is_told(team, people):
    owner, other, _ = people
    member_id = await team.take_in(owner, other)
    path = f"/v1/members/{member_id}"
    etag = (await team.call(owner, "GET", path)).headers["etag"]
    headers = {**team.headers(owner), "If-Match": etag}
    answers = await asyncio.gather(
        *(team.http.patch(path, json={"role": r}, headers=headers) for r in ("viewer", "admin"))
    )
    assert sorted(a.status_code for a in answers) == [200, 412]


async def test_nobody_gives_more_than_they_have(team, people):
    owner, admin, other = people
    await team.take_in(owner, admin, "admin")
    member_id = await team.take_in(owner, other, "viewer")
    path = f"/v1/members/{member_id}"
    refused = await team.call(admin, "PATCH", path, {"role": "owner"})
    assert code(refused) == (403, "role_above_own")
    assert (await team.call(admin, "PATCH", path, {"role": "admin"})).status_code == 200


async def test_a_key_gives_no_more_than_its_scopes(team, people):
    owner, other, _ = people
    member_id = await team.take_in(owner, other, "viewer")
    key = await key_of(team, owner, scopes=["members:write", "members:read"])
    refused = await team.http.patch(
        f"/v1/members/{member_id}", json={"role": "admin"}, headers=bearer(key["key"])
    )
    assert code(refused) == (403, "role_above_own")


@pytest.mark.parametrize(
    ("method", "end", "body"),
    [
        ("PATCH", "", {"role": "viewer"}),
        ("POST", "/suspend", None),
        ("DELETE", "", None),
    ],
)
async def test_an_admin_does_not_touch_an_owner(team, people, method, end, body):
    owner, admin, second = people
    await team.take_in(owner, admin, "admin")
    member_id = await team.take_in(owner, second, "owner")
    refused = await team.call(admin, method, f"/v1/members/{member_id}{end}", body)
    assert code(refused) == (403, "member_above_own")


@pytest.mark.parametrize(
    ("method", "end", "body"),
    [
        ("PATCH", "", {"role": "viewer"}),
        ("POST", "/suspend", None),
        ("DELETE", "", None),
    ],
)
async def test_the_last_owner_stays(team, people, method, end, body):
    owner, other, _ = people
    await team.take_in(owner, other, "admin")
    own = await team.member_of(owner, owner)
    refused = await team.call(owner, method, f"/v1/members/{own['id']}{end}", body)
    assert code(refused) == (409, "last_owner")
    left = await team.http.post(f"/v1/workspaces/{team.id}/leave", headers=owner.headers)
    assert code(left) == (409, "last_owner")


async def test_two_owners_who_demote_each_other_leave_one(team, people, kernel):
    owner, second, _ = people
    theirs = await team.take_in(owner, second, "owner")
    mine = (await team.member_of(owner, owner))["id"]
    # Another owner's change waits for ours, so that both were let in while both were owners.
    async with kernel.database.unit(SYSTEM) as session:
        await workspaces.lock(session, UUID(team.id))
        both = [
            asyncio.create_task(team.call(who, "PATCH", f"/v1/members/{whom}", {"role": "viewer"}))
            for who, whom in ((owner, theirs), (second, mine))
        ]
        waiting = text(
            "select count(*) = 2 from pg_stat_activity "
            "where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0"
        )
        await until(lambda: session.scalar(waiting))
        assert not any(task.done() for task in both)
    answers = await asyncio.gather(*both)
    assert sorted(a.status_code for a in answers) == [200, 409]


async def test_two_owners_who_leave_at_once_leave_one(team, people):
    owner, second, _ = people
    await team.take_in(owner, second, "owner")
    path = f"/v1/workspaces/{team.id}/leave"
    answers = await asyncio.gather(
        *(team.http.post(path, headers=person.headers) for person in (owner, second))
    )
    assert sorted(a.status_code for a in answers) == [204, 409]


async def test_a_suspended_member_is_shut_out_of_this_workspace_alone(team, people):
    owner, other, _ = people
    member_id = await team.take_in(owner, other)
    key = await key_of(team, other)
    path = f"/v1/members/{member_id}"
    suspended = await team.call(owner, "POST", f"{path}/suspend")
    assert suspended.json()["suspended_at"]
    for answer in (
        await team.call(other, "GET", "/v1/conversations"),
        await team.http.get("/v1/conversations", headers=bearer(key["key"])),
        await team.http.get(f"/v1/workspaces/{team.id}", headers=other.headers),
    ):
        assert code(answer) == (403, "membership_suspended")
    assert (await team.http.get("/v1/me", headers=other.headers)).status_code == 200
    again = await team.call(owner, "POST", f"{path}/unsuspend")
    assert again.json()["suspended_at"] is None
    assert (await team.call(other, "GET", "/v1/conversations")).status_code == 200
    headers = bearer(key["key"])
    assert (await team.http.get("/v1/conversations", headers=headers)).status_code == 200


async def test_a_removed_members_keys_die_in_every_process(team, people, kernel):
    owner, other, _ = people
    member_id = await team.take_in(owner, other)
    key = await key_of(team, other)
    async with IdentityResolver(kernel) as elsewhere:

        async def listens():
            return elsewhere._known.generation

        await until(listens)
        await elsewhere.resolve(key["key"], None)
        gone = await team.call(owner, "DELETE", f"/v1/members/{member_id}")
        assert gone.status_code == 204
        here = await team.http.get("/v1/me", headers=bearer(key["key"]))
        assert code(here) == (401, "api_key_revoked")

        async def refused():
            try:
                await elsewhere.resolve(key["key"], None)
            except ApiKeyRevoked:
                return True

        await until(refused, seconds=2)
    assert code(await team.call(other, "GET", "/v1/me")) == (404, "workspace_not_found")
    # Coming back does not wake the old key.
    await team.take_in(owner, other)
    back = await team.http.get("/v1/me", headers=bearer(key["key"]))
    assert code(back) == (401, "api_key_revoked")


async def test_an_account_that_is_not_active_is_refused_everywhere(client, kernel):
    person = await new_person(client)
    key = await client.post("/v1/api-keys", json={"name": "A"}, headers=person.headers)
    async with kernel.database.unit(SYSTEM) as session:
        (await session.get(User, person.user_id)).status = "deactivated"
    for headers in (person.headers, bearer(key.json()["key"])):
        answer = await client.get("/v1/workspaces", headers=headers)
        assert code(answer) == (401, "account_inactive")


async def test_a_personal_workspace_has_one_owner(client, people):
    owner, other, _ = people
    home = Team(client, owner.workspace_id)
    invited = await home.call(owner, "POST", "/v1/invitations/links", {"role": "owner"})
    assert code(invited) == (409, "personal_workspace")
    member_id = await home.take_in(owner, other, "admin")
    path = f"/v1/members/{member_id}"
    refused = await home.call(owner, "PATCH", path, {"role": "owner"})
    assert code(refused) == (409, "personal_workspace")
    assert (await home.call(owner, "DELETE", path)).status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/body/role"),
        ({"role": "emperor"}, "/body/role"),
        ({"role": "custom"}, "/body/role_id"),
        ({"role": "custom", "role_id": str(uuid4())}, "/body/role_id"),
        ({"role": "viewer", "role_id": str(uuid4())}, "/body/role_id"),
    ],
)
async def test_a_bad_role_is_named(team, people, body, pointer):
    own = await team.member_of(people[0], people[0])
    answer = await team.call(people[0], "PATCH", f"/v1/members/{own['id']}", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
