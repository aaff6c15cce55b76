"""Accounts that an operator closes, and what no request may do once its session has ended."""

import asyncio
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.accounts import ending, service
from app.identity.sessions import crud as sessions
from app.identity.sessions.errors import TokenInvalid
from app.identity.users.errors import UserNotFound
from tests.support.identity import PASSWORD, bearer, new_key, new_person, sign_in
from tests.support.mail import Inbox


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


def refusal(answer):
    return answer.status_code, answer.json()["code"]


async def close(kernel, email):
    async with kernel.database.unit(SYSTEM) as session:
        await ending.close(session, kernel, email)


async def reopen(kernel, email):
    async with kernel.database.unit(SYSTEM) as session:
        await ending.reopen(session, kernel, email)


async def test_an_operator_closes_an_account_and_opens_it_again(client, kernel, person):
    key = bearer((await new_key(client, person))["key"])
    words = {"email": person.email, "password": PASSWORD}
    await close(kernel, person.email)
    for headers in (person.headers, key):
        assert (await client.get("/v1/me", headers=headers)).status_code == 401
    for path in ("/v1/auth/login", "/v1/auth/restore"):
        answer = await client.post(path, json=words)
        assert refusal(answer) == (403, "account_deactivated")
    await reopen(kernel, person.email)
    ended = await client.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert ended.status_code == 401
    headers = bearer((await sign_in(client, person.email))["access_token"])
    assert (await client.get("/v1/me", headers=key)).status_code == 200
    trail = (await client.get("/v1/audit-logs", headers=headers)).json()["data"]
    noted = {each["action"]: each["detail"] for each in trail}
    assert noted["account.deactivated"] == noted["account.activated"] == {"by": "operator"}


async def test_a_deleted_account_that_is_closed_its_owner_cannot_restore(client, kernel, person):
    await client.delete("/v1/me", headers=person.headers)
    await close(kernel, person.email)
    words = {"email": person.email, "password": PASSWORD}
    refused = await client.post("/v1/auth/restore", json=words)
    assert refusal(refused) == (403, "account_deactivated")
    await reopen(kernel, person.email)
    assert refusal(await client.post("/v1/auth/login", json=words)) == (403, "account_deleted")
    assert (await client.post("/v1/auth/restore", json=words)).status_code == 200


async def test_an_unknown_address_is_no_account(kernel):
    with pytest.raises(UserNotFound):
        await close(kernel, f"{uuid4().hex}@example.com")


async def test_a_session_that_ended_after_the_guard_changes_nothing(client, kernel, person):
    access = await kernel.resolver.resolve(person.access_token, None)
    async with kernel.database.unit(SYSTEM) as session:
        await sessions.revoke_of_user(session, UUID(person.user_id), now(), "password_reset")
    for act in (
        lambda s: ending.deactivate(s, kernel, access),
        lambda s: ending.delete(s, kernel, access),
        lambda s: service.change_email(s, kernel.settings, access, "thief@example.com"),
    ):
        with pytest.raises(TokenInvalid):
            async with kernel.database.unit(SYSTEM) as session:
                await act(session)
    await sign_in(client, person.email)


async def test_a_deleted_account_is_not_moved_by_a_token_from_before(client, settings, person):
    new = f"new-{person.email}"
    await client.post("/v1/me/email", json={"email": new}, headers=person.headers)
    token = await Inbox(settings.data_dir, new).token("Confirm your new e-mail")
    await client.delete("/v1/me", headers=person.headers)
    refused = await client.post("/v1/auth/verify-email", json={"token": token})
    assert refusal(refused) == (422, "token_refused")


async def test_of_two_that_move_to_one_address_at_once_one_gets_it(client, settings, person):
    other, new = await new_person(client), f"new-{person.email}"
    tokens = []
    for number, each in enumerate((person, other), 1):
        await client.post("/v1/me/email", json={"email": new}, headers=each.headers)
        tokens.append(
            await Inbox(settings.data_dir, new).token("Confirm your new e-mail", of=number)
        )
    answers = await asyncio.gather(
        *(client.post("/v1/auth/verify-email", json={"token": token}) for token in tokens)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_of_two_owners_who_delete_their_accounts_at_once_one_stays(client, person):
    other, third = await new_person(client), await new_person(client)
    made = await client.post("/v1/workspaces", json={"name": "Both"}, headers=person.headers)
    place = {"X-Workspace-Id": made.json()["id"]}
    for each, role in ((other, "owner"), (third, "viewer")):
        link = await client.post(
            "/v1/invitations/links", json={"role": "viewer"}, headers=person.headers | place
        )
        joined = await client.post(
            "/v1/invitations/accept",
            json={"token": link.json()["token"]},
            headers=each.headers,
        )
        if role == "owner":
            changed = await client.patch(
                f"/v1/members/{joined.json()['member']['id']}",
                json={"role": role},
                headers=person.headers | place,
            )
            assert changed.status_code == 200, changed.text
    answers = await asyncio.gather(
        *(client.delete("/v1/me", headers=each.headers) for each in (person, other))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]
