"""/v1/roles."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.workspaces.models import CustomRole
from app.identity.workspaces.roles import Role, permissions_of
from tests.support.identity import bearer, counted_queries, new_person
from tests.support.teams import code, new_team


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(address):
    """An owner and two others, for the tests of this module."""
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return [await new_person(http) for _ in range(3)]


@pytest_asyncio.fixture(loop_scope="session")
async def team(client, people):
    return await new_team(client, people[0])


async def new_role(team, owner, *permissions, name="Auditor"):
    body = {"name": name, "permissions": list(permissions)}
    made = await team.call(owner, "POST", "/v1/roles", body)
    assert made.status_code == 201, made.text
    return made.json()


async def take_in_as(team, owner, person, role):
    return await team.take_in(owner, person, "custom", role_id=role["id"])


async def test_a_role_of_its_own_allows_what_it_is_made_of(team, people, kernel):
    owner, member, _ = people
    role = await new_role(team, owner, "members:read", "profile:read", "members:read")
    assert role["permissions"] == ["members:read", "profile:read"]
    await take_in_as(team, owner, member, role)
    async with counted_queries(kernel) as sent:
        access = await kernel.resolver.resolve(member.access_token, UUID(team.id))
    assert access.permissions == {"members:read", "profile:read"}
    assert access.role == "custom"
    assert len([s for s in sent if "set_config" not in s]) == 1
    assert (await team.call(member, "GET", "/v1/members")).status_code == 200
    assert code(await team.call(member, "GET", "/v1/conversations")) == (403, "scope_missing")
    seen = await team.http.get(f"/v1/workspaces/{team.id}", headers=member.headers)
    assert (seen.json()["role"], seen.json()["role_id"]) == ("custom", role["id"])


async def test_a_changed_role_holds_at_once_for_sessions_and_keys(team, people):
    owner, member, _ = people
    role = await new_role(team, owner, "models:read", "api_keys:write", "roles:read")
    await take_in_as(team, owner, member, role)
    key = await team.call(
        member, "POST", "/v1/api-keys", {"name": "A", "scopes": ["models:read", "roles:read"]}
    )
    headers = bearer(key.json()["key"])
    assert (await team.http.get("/v1/roles", headers=headers)).status_code == 200
    change = {"permissions": ["models:read"]}
    changed = await team.call(owner, "PATCH", f"/v1/roles/{role['id']}", change)
    assert changed.json()["version"] == role["version"] + 1
    for answer in (
        await team.http.get("/v1/roles", headers=headers),
        await team.call(member, "GET", "/v1/roles"),
    ):
        assert code(answer) == (403, "scope_missing")


async def test_nobody_makes_a_role_of_what_they_lack(team, people):
    owner, member, _ = people
    maker = await new_role(team, owner, "roles:read", "roles:write", "models:read")
    strong = await new_role(team, owner, "audit:read", name="Strong")
    await take_in_as(team, owner, member, maker)
    answers = [
        await team.call(
            member, "POST", "/v1/roles", {"name": "Mine", "permissions": ["audit:read"]}
        ),
        await team.call(
            member, "PATCH", f"/v1/roles/{maker['id']}", {"permissions": ["audit:read"]}
        ),
        await team.call(member, "PATCH", f"/v1/roles/{strong['id']}", {"name": "Weak"}),
        await team.call(member, "DELETE", f"/v1/roles/{strong['id']}"),
    ]
    assert [code(answer) for answer in answers] == [(403, "role_above_own")] * 4
    weaker = {"name": "Mine", "permissions": ["models:read"]}
    assert (await team.call(member, "POST", "/v1/roles", weaker)).status_code == 201


async def test_nobody_gives_a_role_of_what_they_lack(team, people):
    owner, giver, other = people
    giving = await new_role(team, owner, "members:read", "members:write")
    strong = await new_role(team, owner, "audit:read", name="Strong")
    await take_in_as(team, owner, giver, giving)
    member_id = await take_in_as(team, owner, other, giving)
    body = {"role": "custom", "role_id": strong["id"]}
    for answer in (
        await team.call(giver, "PATCH", f"/v1/members/{member_id}", body),
        await team.call(giver, "POST", "/v1/invitations/links", body),
    ):
        assert code(answer) == (403, "role_above_own")


async def test_a_role_in_use_goes_only_with_one_in_its_place(team, people):
    owner, member, _ = people
    role = await new_role(team, owner, "models:read")
    member_id = await take_in_as(team, owner, member, role)
    path = f"/v1/roles/{role['id']}"
    assert code(await team.call(owner, "DELETE", path)) == (409, "role_in_use")
    itself = f"{path}?replace_with=custom&replace_with_id={role['id']}"
    foreign = f"{path}?replace_with=custom&replace_with_id={uuid4()}"
    for wrong in (itself, foreign):
        answer = await team.call(owner, "DELETE", wrong)
        assert code(answer) == (422, "role_unknown")
        assert answer.json()["errors"][0]["pointer"] == "/query/replace_with_id"
    gone = await team.call(owner, "DELETE", f"{path}?replace_with=viewer")
    assert gone.status_code == 204
    shown = (await team.call(owner, "GET", f"/v1/members/{member_id}")).json()
    assert (shown["role"], shown["role_id"]) == ("viewer", None)
    access = await team.http.get("/v1/me", headers=team.headers(member))
    assert access.json()["permissions"] == sorted(permissions_of(Role.VIEWER))
    noted = (await team.call(owner, "GET", "/v1/audit-logs")).json()["data"]
    assert "member.role_changed" in {line["action"] for line in noted}


async def test_a_deleted_role_is_restored_within_thirty_days(team, people, kernel):
    owner = people[0]
    role = await new_role(team, owner, "models:read")
    path = f"/v1/roles/{role['id']}"
    assert (await team.call(owner, "DELETE", path)).status_code == 204
    assert code(await team.call(owner, "GET", path)) == (404, "role_not_found")
    given = await team.call(
        owner, "POST", "/v1/invitations/links", {"role": "custom", "role_id": role["id"]}
    )
    assert code(given) == (422, "role_unknown")
    deleted = (await team.call(owner, "GET", "/v1/roles?deleted=true")).json()["data"]
    assert [r["id"] for r in deleted] == [role["id"]]
    restored = await team.call(owner, "POST", f"{path}/restore")
    assert (restored.status_code, restored.json()["deleted_at"]) == (200, None)
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(CustomRole, UUID(role["id"]))
        row.deleted_at = now() - timedelta(days=31)
    late = await team.call(owner, "POST", f"{path}/restore")
    assert code(late) == (410, "role_restore_expired")


async def test_a_deleted_role_allows_nothing_to_whoever_is_left_with_it(team, people, kernel):
    owner, member, _ = people
    role = await new_role(team, owner, "roles:read", "api_keys:write")
    await take_in_as(team, owner, member, role)
    scopes = {"name": "A", "scopes": ["roles:read"]}
    key = (await team.call(member, "POST", "/v1/api-keys", scopes)).json()["key"]
    async with kernel.database.unit(SYSTEM) as session:
        (await session.get(CustomRole, UUID(role["id"]))).deleted_at = now()
    for answer in (
        await team.call(member, "GET", "/v1/roles"),
        await team.http.get("/v1/roles", headers=bearer(key)),
    ):
        assert code(answer) == (403, "scope_missing")


async def test_a_name_is_taken_once_and_free_again_after_its_deletion(team, people):
    owner = people[0]
    role = await new_role(team, owner, "models:read", name="Twice")
    body = {"name": "TWICE", "permissions": ["models:read"]}
    assert code(await team.call(owner, "POST", "/v1/roles", body)) == (409, "role_name_taken")
    await team.call(owner, "DELETE", f"/v1/roles/{role['id']}")
    assert (await team.call(owner, "POST", "/v1/roles", body)).status_code == 201
    back = await team.call(owner, "POST", f"/v1/roles/{role['id']}/restore")
    assert code(back) == (409, "role_name_taken")


async def test_the_builtin_roles_are_told(team, people):
    told = (await team.call(people[0], "GET", "/v1/roles/builtin")).json()["data"]
    assert [role["name"] for role in told] == ["owner", "admin", "editor", "viewer"]
    assert all(role["permissions"] == sorted(permissions_of(role["name"])) for role in told)


async def test_another_teams_role_is_not_given(client, team, people):
    owner = people[0]
    foreign = await new_role(await new_team(client, owner), owner, "models:read")
    body = {"role": "custom", "role_id": foreign["id"]}
    answer = await team.call(owner, "POST", "/v1/invitations/links", body)
    assert code(answer) == (422, "role_unknown")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"permissions": ["models:read"]}, "/body/name"),
        ({"name": "A", "permissions": []}, "/body/permissions"),
        ({"name": "A", "permissions": ["everything"]}, "/body/permissions/0"),
        ({"name": "A", "permissions": ["models:read"] * 101}, "/body/permissions"),
        ({"name": "A", "permissions": ["models:read"], "id": "1"}, "/body/id"),
    ],
)
async def test_a_bad_field_is_named(team, people, body, pointer):
    answer = await team.call(people[0], "POST", "/v1/roles", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_what_a_role_needs_is_not_taken_away(team, people):
    role = await new_role(team, people[0], "models:read")
    for name in ("name", "description", "permissions"):
        answer = await team.call(people[0], "PATCH", f"/v1/roles/{role['id']}", {name: None})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"/body/{name}"
