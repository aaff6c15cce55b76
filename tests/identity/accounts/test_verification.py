"""Confirming an e-mail address, and changing it."""

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.ids import new_id
from app.identity.sessions.models import UserSession
from app.identity.users.models import AccountToken, User
from tests.support.identity import bearer, new_key, new_person, register
from tests.support.mail import Inbox

CONFIRM, CONFIRM_NEW = "Confirm your e-mail", "Confirm your new e-mail"


@pytest.fixture
def inbox(settings):
    return lambda address: Inbox(settings.data_dir, address)


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


def another_address():
    return f"{new_id().hex}@example.com"


async def verify(client, token):
    return await client.post("/v1/auth/verify-email", json={"token": token})


async def me(client, person):
    return (await client.get("/v1/me", headers=person.headers)).json()["user"]


def refusal(answer):
    return answer.status_code, answer.json()["code"]


async def test_a_registration_mails_a_token_that_confirms_the_address_once(client, inbox, person):
    assert (await me(client, person))["email_verified_at"] is None
    token = await inbox(person.email).token(CONFIRM)
    answer = await verify(client, token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["email_verified_at"] is not None
    assert (await me(client, person))["email_verified_at"] is not None
    assert refusal(await verify(client, token)) == (422, "token_refused")


async def test_only_a_hash_of_the_token_is_kept(client, kernel, inbox, person):
    token = await inbox(person.email).token(CONFIRM)
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(
            select(AccountToken).where(AccountToken.user_id == person.user_id)
        )
    assert len(row.token_hash) == 32
    assert token.encode() not in row.token_hash


async def test_of_many_at_once_one_uses_the_token(client, inbox, person):
    token = await inbox(person.email).token(CONFIRM)
    answers = await asyncio.gather(*(verify(client, token) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [200] + [422] * 7


@pytest.mark.parametrize("token", ["", "x", "x" * 200, "x" * 201, 5, None])
async def test_what_is_no_token_is_refused_at_its_field(client, token):
    answer = await verify(client, token)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/token"


async def test_a_token_is_refused_after_its_time(client, kernel, inbox, person):
    token = await inbox(person.email).token(CONFIRM)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(AccountToken)
            .where(AccountToken.user_id == person.user_id)
            .values(expires_at=now())
        )
    assert refusal(await verify(client, token)) == (422, "token_refused")


async def test_a_token_for_a_password_confirms_no_address(client, inbox, person):
    await client.post("/v1/auth/forgot-password", json={"email": person.email})
    token = await inbox(person.email).token("Set a new password")
    assert refusal(await verify(client, token)) == (422, "token_refused")


async def test_a_dry_run_uses_no_token_and_sends_no_mail(client, kernel, inbox, person):
    token = await inbox(person.email).token(CONFIRM)
    tried = await client.post("/v1/auth/verify-email?dry_run=true", json={"token": token})
    assert (tried.status_code, tried.headers["dry-run"]) == (200, "true")
    assert (await me(client, person))["email_verified_at"] is None
    assert (await verify(client, token)).status_code == 200


async def test_another_token_can_be_asked_for_and_ends_the_first(client, inbox, person):
    first = await inbox(person.email).token(CONFIRM)
    path = "/v1/auth/verify-email/resend"
    again = await client.post(path, headers=person.headers)
    assert again.status_code == 202
    second = await inbox(person.email).token(CONFIRM, of=2)
    assert (await verify(client, first)).status_code == 422
    assert (await verify(client, second)).status_code == 200
    done = await client.post(path, headers=person.headers)
    assert refusal(done) == (409, "email_verified_already")


async def test_five_mails_an_hour_go_to_one_address(client, person):
    path = "/v1/auth/verify-email/resend"
    codes = [(await client.post(path, headers=person.headers)).status_code for _ in range(5)]
    assert codes == [202] * 4 + [429]


async def test_a_new_address_counts_once_it_is_confirmed_there(client, inbox, person):
    new = another_address()
    asked = await client.post("/v1/me/email", json={"email": new}, headers=person.headers)
    assert asked.status_code == 202, asked.text
    assert (await me(client, person))["email"] == person.email
    warning = await inbox(person.email).letter("about to change")
    assert new in warning.get_content()
    moved = await verify(client, await inbox(new).token(CONFIRM_NEW))
    assert moved.json()["email"] == new
    assert moved.json()["email_verified_at"] is not None
    told = await inbox(person.email).letter("has changed")
    assert new in told.get_content()


async def test_a_move_ends_the_tokens_that_the_old_address_has(client, inbox, person):
    await client.post("/v1/auth/forgot-password", json={"email": person.email})
    reset = await inbox(person.email).token("Set a new password")
    new = another_address()
    await client.post("/v1/me/email", json={"email": new}, headers=person.headers)
    await verify(client, await inbox(new).token(CONFIRM_NEW))
    answer = await client.post(
        "/v1/auth/reset-password", json={"token": reset, "new_password": "some other words"}
    )
    assert refusal(answer) == (422, "token_refused")


async def test_an_address_that_is_taken_is_not_told_and_not_written_to(client, inbox, person):
    other = await register(client)
    await inbox(other["email"]).letter(CONFIRM)
    answers = [
        await client.post("/v1/me/email", json={"email": email}, headers=person.headers)
        for email in (other["email"], another_address())
    ]
    assert answers[0].status_code == answers[1].status_code == 202
    assert answers[0].json() == answers[1].json()
    await inbox(person.email).letter("about to change")
    subjects = [letter["Subject"] for letter in inbox(other["email"]).letters()]
    assert not any(CONFIRM_NEW in subject for subject in subjects)


async def test_an_address_that_was_taken_meanwhile_is_a_conflict(client, kernel, inbox, person):
    new = another_address()
    await client.post("/v1/me/email", json={"email": new}, headers=person.headers)
    token = await inbox(new).token(CONFIRM_NEW)
    await register(client, new)
    assert refusal(await verify(client, token)) == (409, "email_taken")
    async with kernel.database.unit(SYSTEM) as session:
        email = await session.scalar(select(User.email).where(User.id == person.user_id))
    assert email == person.email


@pytest.mark.parametrize("email", ["no address", "", None, 7, "x" * 255])
async def test_a_bad_new_address_is_named(client, person, email):
    answer = await client.post("/v1/me/email", json={"email": email}, headers=person.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/email"


async def test_ones_own_address_is_no_new_one(client, person):
    answer = await client.post(
        "/v1/me/email", json={"email": person.email.upper()}, headers=person.headers
    )
    assert answer.json()["errors"][0]["pointer"] == "/body/email"


async def test_a_key_changes_no_address(client, person):
    key = await new_key(client, person, scopes=["profile:write"])
    answer = await client.post(
        "/v1/me/email", json={"email": another_address()}, headers=bearer(key["key"])
    )
    assert refusal(answer) == (403, "session_required")


async def test_a_changed_address_needs_a_recent_proof(client, kernel, person):

    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == person.user_id)
            .values(authenticated_at=now() - timedelta(days=1))
        )
    for method, path, body in (
        ("POST", "/v1/me/email", {"email": another_address()}),
        ("POST", "/v1/me/password", {"current_password": "x", "new_password": "quite other words"}),
        ("POST", "/v1/me/deactivate", None),
        ("DELETE", "/v1/me", None),
    ):
        answer = await client.request(method, path, json=body, headers=person.headers)
        assert refusal(answer) == (403, "step_up_required"), path


async def test_signing_in_can_need_a_confirmed_address(client, kernel, inbox, monkeypatch, person):
    strict = kernel.settings.model_copy(update={"require_verified_email": True})
    monkeypatch.setattr(kernel, "settings", strict)
    words = {"email": person.email, "password": "a few plain words"}
    refused = await client.post("/v1/auth/login", json=words)
    assert refusal(refused) == (403, "email_unverified")
    wrong = await client.post("/v1/auth/login", json={**words, "password": "not these words"})
    assert refusal(wrong) == (401, "credentials_refused")
    await verify(client, await inbox(person.email).token(CONFIRM))
    assert (await client.post("/v1/auth/login", json=words)).status_code == 200


async def test_the_link_hides_the_token_behind_the_fragment(client, kernel, inbox, monkeypatch):
    monkeypatch.setattr(
        kernel, "settings", kernel.settings.model_copy(update={"app_url": "https://app.example"})
    )
    user = await register(client)
    letter = (await inbox(user["email"]).letter(CONFIRM)).get_content()
    token = await inbox(user["email"]).token(CONFIRM)
    assert f"https://app.example/verify-email#token={token}" in letter
