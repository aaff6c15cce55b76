"""/v1/workspaces/{workspace_id}: transfer, deletion, restoration, leaving."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest_asyncio
from sqlalchemy import update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.sessions.models import UserSession
from app.identity.workspaces.models import Workspace
from tests.support.identity import bearer, new_key, new_person
from tests.support.teams import code, new_team


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(address):
    """An owner and another person, for the tests of this module."""
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return [await new_person(http) for _ in range(2)]


@pytest_asyncio.fixture(loop_scope="session")
async def team(client, people):
    return await new_team(client, people[0])


async def test_a_workspace_is_handed_over(team, people):
    owner, heir = people
    member_id = await team.take_in(owner, heir, "viewer")
    path = f"/v1/workspaces/{team.id}/transfer"
    answer = await team.http.post(path, json={"member_id": member_id}, headers=owner.headers)
    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert (await team.member_of(owner, heir))["role"] == "owner"
    again = await team.http.post(path, json={"member_id": member_id}, headers=owner.headers)
    assert code(again) == (403, "permission_denied")
    noted = (await team.call(heir, "GET", "/v1/audit-logs")).json()["data"]
    assert "ownership.transferred" in {line["action"] for line in noted}


async def test_it_is_handed_over_only_to_a_person_in_it(team, people):
    owner, other = people
    member_id = await team.take_in(owner, other)
    own = (await team.member_of(owner, owner))["id"]
    account = await team.call(
        owner, "POST", "/v1/service-accounts", {"name": "A", "role": "viewer"}
    )
    await team.call(owner, "POST", f"/v1/members/{member_id}/suspend")
    for unfit in (str(uuid4()), own, member_id, account.json()["member_id"]):
        path = f"/v1/workspaces/{team.id}/transfer"
        answer = await team.http.post(path, json={"member_id": unfit}, headers=owner.headers)
        assert code(answer) == (422, "new_owner_unfit")
        assert answer.json()["errors"][0]["pointer"] == "/body/member_id"


async def test_what_cannot_be_undone_alone_takes_a_fresh_proof(team, people, kernel):
    owner, other = people
    member_id = await team.take_in(owner, other)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == owner.user_id)
            .values(authenticated_at=now() - timedelta(minutes=11))
        )
    path = f"/v1/workspaces/{team.id}"
    refused = [
        await team.http.post(
            f"{path}/transfer", json={"member_id": member_id}, headers=owner.headers
        ),
        await team.http.delete(path, headers=owner.headers),
    ]
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == owner.user_id)
            .values(authenticated_at=now())
        )
    assert [code(answer) for answer in refused] == [(403, "step_up_required")] * 2


async def test_a_deleted_workspace_is_nowhere_until_it_is_restored(team, people):
    owner, other = people
    await team.take_in(owner, other, "admin")
    key = await team.call(owner, "POST", "/v1/api-keys", {"name": "A"})
    headers = bearer(key.json()["key"])
    assert (await team.http.get("/v1/conversations", headers=headers)).status_code == 200
    path = f"/v1/workspaces/{team.id}"
    assert (await team.http.delete(path, headers=owner.headers)).status_code == 204
    for answer in (
        await team.http.get(path, headers=owner.headers),
        await team.http.patch(path, json={"name": "B"}, headers=owner.headers),
        await team.http.delete(path, headers=owner.headers),
        await team.call(owner, "GET", "/v1/members"),
        await team.call(other, "GET", "/v1/conversations"),
        await team.http.get("/v1/conversations", headers=headers),
        await team.http.post(f"{path}/restore", headers=other.headers),
        await team.http.post(f"{path}/leave", headers=other.headers),
    ):
        assert code(answer) == (404, "workspace_not_found")
    assert team.id not in (await team.http.get("/v1/workspaces", headers=owner.headers)).text
    for person, ids in ((owner, [team.id]), (other, [])):
        gone = await team.http.get("/v1/workspaces?deleted=true", headers=person.headers)
        assert [w["id"] for w in gone.json()["data"] if w["id"] == team.id] == ids
    restored = await team.http.post(f"{path}/restore", headers=owner.headers)
    assert (restored.status_code, restored.json()["deleted_at"]) == (200, None)
    assert (await team.call(other, "GET", "/v1/conversations")).status_code == 200
    assert (await team.http.get("/v1/conversations", headers=headers)).status_code == 200


async def test_after_thirty_days_it_is_not_restored(team, people, kernel):
    owner = people[0]
    path = f"/v1/workspaces/{team.id}"
    await team.http.delete(path, headers=owner.headers)
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(Workspace, UUID(team.id))
        row.deleted_at = now() - timedelta(days=30, minutes=1)
    late = await team.http.post(f"{path}/restore", headers=owner.headers)
    assert code(late) == (410, "workspace_restore_expired")


async def test_only_an_owner_deletes_and_with_the_right_etag(team, people):
    owner, admin = people
    await team.take_in(owner, admin, "admin")
    path = f"/v1/workspaces/{team.id}"
    refused = await team.http.delete(path, headers=admin.headers)
    assert code(refused) == (403, "permission_denied")
    stale = await team.http.delete(path, headers={**owner.headers, "If-Match": '"v0"'})
    assert stale.status_code == 412
    tried = await team.http.delete(f"{path}?dry_run=true", headers=owner.headers)
    assert (tried.status_code, tried.headers["dry-run"]) == (204, "true")
    assert (await team.http.get(path, headers=owner.headers)).status_code == 200


async def test_a_personal_workspace_stays(client, people):
    owner = people[0]
    path = f"/v1/workspaces/{owner.workspace_id}"
    for answer in (
        await client.delete(path, headers=owner.headers),
        await client.post(f"{path}/leave", headers=owner.headers),
        await client.post(
            f"{path}/transfer", json={"member_id": str(uuid4())}, headers=owner.headers
        ),
    ):
        assert code(answer) == (409, "personal_workspace")


async def test_whoever_leaves_is_out_and_so_are_their_keys(team, people):
    owner, other = people
    await team.take_in(owner, other)
    key = await team.call(other, "POST", "/v1/api-keys", {"name": "A"})
    left = await team.http.post(f"/v1/workspaces/{team.id}/leave", headers=other.headers)
    assert left.status_code == 204
    assert code(await team.call(other, "GET", "/v1/me")) == (404, "workspace_not_found")
    dead = await team.http.get("/v1/me", headers=bearer(key.json()["key"]))
    assert code(dead) == (401, "api_key_revoked")


async def test_a_key_hands_nothing_over(client, people):
    owner = people[0]
    scopes = ["workspaces:read", "workspaces:write", "profile:write"]
    headers = bearer((await new_key(client, owner, scopes=scopes))["key"])
    for method, end in (("DELETE", ""), ("POST", "/leave"), ("POST", "/restore")):
        path = f"/v1/workspaces/{owner.workspace_id}{end}"
        answer = await client.request(method, path, headers=headers)
        assert code(answer) == (403, "session_required")


async def test_a_repeated_creation_with_one_key_makes_one_workspace(client, people):
    owner = people[0]
    headers = {**owner.headers, "Idempotency-Key": uuid4().hex}
    answers = [
        await client.post("/v1/workspaces", json={"name": "Once"}, headers=headers)
        for _ in range(2)
    ]
    assert {a.status_code for a in answers} == {201}
    assert len({a.json()["id"] for a in answers}) == 1
    assert answers[-1].headers["idempotency-replayed"] == "true"
