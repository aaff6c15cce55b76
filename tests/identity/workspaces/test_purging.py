"""Workspaces that were deleted more than thirty days ago are erased for good."""

from datetime import timedelta
from uuid import UUID

import pytest_asyncio
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM
from app.identity.workspaces.jobs import MARGIN, workspaces_job
from app.identity.workspaces.models import Workspace
from app.oversight.audit.models import AuditLog
from tests.support.audit import checked
from tests.support.identity import new_person
from tests.support.privacy import tables_with
from tests.support.teams import code, new_team

# The trail and what signs it stay; a request's own record goes with its time.
KEPT = {"audit_logs", "audit_chains", "audit_checkpoints"}


@pytest_asyncio.fixture(loop_scope="session")
async def deleted(client):
    """A deleted workspace with something in it, its owner and a member."""
    owner, member = await new_person(client), await new_person(client)
    team = await new_team(client, owner)
    await team.take_in(owner, member)
    role = {"name": "Auditor", "permissions": ["audit:read"]}
    assert (await team.call(owner, "POST", "/v1/roles", role)).status_code == 201
    assert (
        await team.call(owner, "POST", "/v1/service-accounts", {"name": "Bot", "role": "editor"})
    ).status_code == 201
    talk = await team.call(member, "POST", "/v1/conversations", {"title": "Secret plans"})
    assert talk.status_code == 201
    share = {"grantee": {"type": "role", "role": "viewer"}}
    await team.call(member, "POST", f"/v1/conversations/{talk.json()['id']}/shares", share)
    await team.call(owner, "POST", "/v1/api-keys", {"name": "Key"})
    gone = await client.delete(f"/v1/workspaces/{team.id}", headers=owner.headers)
    assert gone.status_code == 204, gone.text
    return team, owner, member


async def deleted_at(kernel, team, at) -> None:
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(Workspace).where(Workspace.id == UUID(team.id)).values(deleted_at=at)
        )


async def purge(app) -> None:
    await workspaces_job(app.state.kernel, app.state.privacy).run()


async def left(kernel, team) -> set[str]:
    return {row.partition(":")[0] for row in await tables_with(kernel, team.id)} - KEPT


async def test_all_that_is_in_it_goes_and_its_trail_stays_provable(client, app, kernel, deleted):
    team, owner, member = deleted
    assert {"workspaces", "conversations", "shares", "roles"} <= await left(kernel, team)
    await deleted_at(kernel, team, now() - RESTORABLE - MARGIN - timedelta(minutes=1))
    await purge(app)
    assert await left(kernel, team) == set()
    assert [key async for key in kernel.valkey.scan_iter(f"*{team.id}*")] == []
    for person in (owner, member):
        assert (await client.get("/v1/me", headers=person.headers)).status_code == 200
    restored = await client.post(f"/v1/workspaces/{team.id}/restore", headers=owner.headers)
    assert code(restored) == (404, "workspace_not_found")
    async with kernel.database.unit(SYSTEM) as session:
        last = await session.scalar(
            select(AuditLog.action)
            .where(AuditLog.workspace_id == UUID(team.id))
            .order_by(AuditLog.sequence.desc())
            .limit(1)
        )
    assert last == "workspace.purged"
    found, _ = await checked(kernel, team.id)
    assert found == []


async def test_one_that_can_be_restored_is_left_alone(client, app, kernel, deleted):
    team, owner, _ = deleted
    await deleted_at(kernel, team, now() - RESTORABLE + timedelta(minutes=1))
    await purge(app)
    restored = await client.post(f"/v1/workspaces/{team.id}/restore", headers=owner.headers)
    assert restored.status_code == 200, restored.text


async def test_a_purge_that_was_cut_off_goes_on(app, kernel, deleted, monkeypatch):
    team, _, _ = deleted
    await deleted_at(kernel, team, now() - RESTORABLE - MARGIN - timedelta(minutes=1))
    last = app.state.privacy.stores[-1]

    async def cut_off(person, tally):
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(last, "erase", cut_off)
        await purge(app)
    assert "workspaces" in await left(kernel, team)
    await purge(app)
    assert await left(kernel, team) == set()
