"""Deactivated and deleted accounts, and the way back."""

from datetime import timedelta
from uuid import UUID

import pytest_asyncio
from sqlalchemy import select, text, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.accounts.jobs import accounts_job
from app.identity.users.models import User
from tests.support.identity import PASSWORD, bearer, new_key, new_person, sign_in
from tests.support.mail import Inbox


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


def refusal(answer):
    return answer.status_code, answer.json()["code"]


async def restore(client, email, password=PASSWORD):
    return await client.post("/v1/auth/restore", json={"email": email, "password": password})


async def login(client, email, password=PASSWORD):
    return await client.post("/v1/auth/login", json={"email": email, "password": password})


async def test_a_deactivated_account_opens_nothing_until_it_is_restored(client, person):
    key = bearer((await new_key(client, person))["key"])
    assert (await client.get("/v1/me", headers=key)).status_code == 200
    assert (await client.post("/v1/me/deactivate", headers=person.headers)).status_code == 204
    for headers in (person.headers, key):
        assert (await client.get("/v1/me", headers=headers)).status_code == 401
    assert refusal(await login(client, person.email)) == (403, "account_deactivated")
    assert refusal(await login(client, person.email, "not it")) == (401, "credentials_refused")
    assert (await restore(client, person.email)).status_code == 200
    await sign_in(client, person.email)
    assert (await client.get("/v1/me", headers=key)).status_code == 200


async def test_a_deleted_account_can_be_restored_for_thirty_days(client, kernel, settings, person):
    assert (await client.delete("/v1/me", headers=person.headers)).status_code == 204
    assert (await client.get("/v1/me", headers=person.headers)).status_code == 401
    assert refusal(await login(client, person.email)) == (403, "account_deleted")
    assert refusal(await restore(client, person.email, "not it")) == (401, "credentials_refused")
    await Inbox(settings.data_dir, person.email).letter("Your account is deleted")
    back = await restore(client, person.email)
    assert (back.status_code, back.json()["id"]) == (200, person.user_id)
    await sign_in(client, person.email)
    await client.delete("/v1/me", headers=bearer(await token_of(client, person)))
    await age(kernel, person)
    assert refusal(await restore(client, person.email)) == (410, "restore_expired")


async def token_of(client, person):
    return (await sign_in(client, person.email))["access_token"]


async def age(kernel, person):
    """As if the account had been deleted a month ago."""
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User)
            .where(User.id == UUID(person.user_id))
            .values(deleted_at=now() - timedelta(days=31))
        )


async def test_a_deleted_address_is_still_taken(client, person):
    await client.delete("/v1/me", headers=person.headers)
    answer = await client.post(
        "/v1/auth/register", json={"email": person.email, "password": PASSWORD}
    )
    assert refusal(answer) == (409, "email_taken")


async def test_after_its_time_the_account_is_given_to_erasure(client, kernel, person):
    await client.delete("/v1/me", headers=person.headers)
    await accounts_job(kernel).run()
    assert await status_of(kernel, person) == "deleted"
    await age(kernel, person)
    await accounts_job(kernel).run()
    assert await status_of(kernel, person) in ("erasing", None)
    async with kernel.database.unit(SYSTEM) as session:
        asked = await session.scalar(
            text("select count(*) from privacy_erasures where requested_by = 'account_deleted'")
        )
    assert asked


async def status_of(kernel, person):
    async with kernel.database.unit(SYSTEM) as session:
        return await session.scalar(select(User.status).where(User.id == UUID(person.user_id)))


async def test_the_last_owner_of_others_workspace_stays(client, kernel, person):
    other = await new_person(client)
    made = await client.post("/v1/workspaces", json={"name": "Research"}, headers=person.headers)
    workspace_id = made.json()["id"]
    assert await join(kernel, workspace_id, other, "editor") is None
    refused = await client.delete("/v1/me", headers=person.headers)
    assert refusal(refused) == (409, "workspaces_left_alone")
    assert "Research" in refused.json()["detail"]
    assert (await client.get("/v1/me", headers=person.headers)).status_code == 200
    await promote(kernel, workspace_id, other)
    assert (await client.delete("/v1/me", headers=person.headers)).status_code == 204


async def join(kernel, workspace_id, person, role):
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text(
                "insert into memberships (id, workspace_id, user_id, role) "
                "values (gen_random_uuid(), :workspace, :user, :role)"
            ),
            {"workspace": UUID(workspace_id), "user": UUID(person.user_id), "role": role},
        )


async def promote(kernel, workspace_id, person):
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            text("update memberships set role = 'owner' where workspace_id = :w and user_id = :u"),
            {"w": UUID(workspace_id), "u": UUID(person.user_id)},
        )


async def test_a_workspace_of_ones_own_holds_nobody_back(client, person):
    await client.post("/v1/workspaces", json={"name": "Alone"}, headers=person.headers)
    assert (await client.delete("/v1/me", headers=person.headers)).status_code == 204


async def test_what_an_operator_closed_its_owner_does_not_open(client, kernel, person):
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User)
            .where(User.id == UUID(person.user_id))
            .values(status="deactivated", deactivated_by="operator")
        )
    assert refusal(await login(client, person.email)) == (403, "account_deactivated")
    assert refusal(await restore(client, person.email)) == (403, "account_deactivated")


async def test_restoring_an_active_account_changes_nothing(client, person):
    assert (await restore(client, person.email)).status_code == 200
    assert (await client.get("/v1/me", headers=person.headers)).status_code == 200


async def test_a_dry_run_deletes_nothing(client, person):
    tried = await client.delete("/v1/me?dry_run=true", headers=person.headers)
    assert (tried.status_code, tried.headers["dry-run"]) == (204, "true")
    assert (await client.get("/v1/me", headers=person.headers)).status_code == 200


async def test_a_stale_version_is_refused(client, person):
    stale = {**person.headers, "If-Match": '"v999"'}
    assert refusal(await client.delete("/v1/me", headers=stale)) == (412, "precondition_failed")
    changed = await client.patch("/v1/me", json={"name": "Ada"}, headers=stale)
    assert refusal(changed) == (412, "precondition_failed")
