"""Forgotten passwords, changed ones, and what neither tells."""

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app.core.db import SYSTEM
from app.core.ids import new_id
from app.core.mail.models import OutgoingMail
from app.identity.users import passwords
from app.identity.users.models import User
from tests.support.identity import (
    PASSWORD,
    bearer,
    counted_queries,
    new_key,
    new_person,
    sign_in,
)
from tests.support.mail import Inbox

NEW = "quite another set of words"
SET_NEW = "Set a new password"


@pytest.fixture
def inbox(settings):
    return lambda address: Inbox(settings.data_dir, address)


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


async def forget(client, email):
    return await client.post("/v1/auth/forgot-password", json={"email": email})


async def reset(client, token, password=NEW):
    return await client.post(
        "/v1/auth/reset-password", json={"token": token, "new_password": password}
    )


def refusal(answer):
    return answer.status_code, answer.json()["code"]


async def test_a_forgotten_password_is_replaced_and_every_session_ends(client, inbox, person):
    assert (await forget(client, f" {person.email.upper()} ")).status_code == 202
    token = await inbox(person.email).token(SET_NEW)
    assert (await reset(client, token)).status_code == 204
    ended = await client.get("/v1/me", headers=person.headers)
    assert ended.status_code == 401
    await sign_in(client, person.email, NEW)
    old = await client.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD})
    assert refusal(old) == (401, "credentials_refused")
    assert refusal(await reset(client, token)) == (422, "token_refused")
    await inbox(person.email).letter("Your password has changed")


async def test_whoever_reads_the_mail_has_confirmed_the_address(client, inbox, person):
    await forget(client, person.email)
    await reset(client, await inbox(person.email).token(SET_NEW))
    headers = bearer((await sign_in(client, person.email, NEW))["access_token"])
    me = (await client.get("/v1/me", headers=headers)).json()["user"]
    assert me["email_verified_at"] is not None


async def test_who_had_the_account_before_its_address_was_proved_keeps_no_key(
    client, inbox, person
):
    key = await new_key(client, person)
    assert (await client.get("/v1/me", headers=bearer(key["key"]))).status_code == 200
    await forget(client, person.email)
    await reset(client, await inbox(person.email).token(SET_NEW))
    answer = await client.get("/v1/me", headers=bearer(key["key"]))
    assert refusal(answer) == (401, "api_key_revoked")


async def test_the_keys_of_a_confirmed_account_stay(client, inbox, person):
    key = await new_key(client, person)
    token = await inbox(person.email).token("Confirm your e-mail")
    await client.post("/v1/auth/verify-email", json={"token": token})
    await forget(client, person.email)
    await reset(client, await inbox(person.email).token(SET_NEW))
    assert (await client.get("/v1/me", headers=bearer(key["key"]))).status_code == 200


async def test_an_unknown_address_is_answered_alike_and_with_the_same_work(
    client, kernel, inbox, person
):
    asked = {}
    for email in (person.email, f"{new_id().hex}@example.com"):
        async with counted_queries(kernel) as sent:
            answer = await forget(client, email)
        told = {k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id")}
        # What background jobs ask meanwhile is none of it.
        about = ("account_tokens", "FROM users", "INSERT INTO outgoing_mails")
        own = [s for s in sent if any(name in s for name in about)]
        asked[email] = (answer.status_code, answer.json(), told, [s.split()[:3] for s in own])
    known, unknown = asked.values()
    assert known[:3] == unknown[:3]
    assert known[3] == unknown[3]
    assert len(known[3]) == 5


async def test_nobody_writes_to_an_unknown_address(client, kernel, inbox):
    email = f"{new_id().hex}@example.com"
    await forget(client, email)
    async with kernel.database.unit(SYSTEM) as session:
        states = (
            await session.scalars(
                select(OutgoingMail.status).where(OutgoingMail.to_address == email)
            )
        ).all()
    assert set(states) <= {"void"}
    assert inbox(email).letters() == []


async def test_an_address_is_not_flooded_with_mail(client, kernel, person):
    for _ in range(8):
        assert (await forget(client, person.email)).status_code == 202
    async with kernel.database.unit(SYSTEM) as session:
        sent = (
            await session.scalars(
                select(OutgoingMail.subject).where(OutgoingMail.to_address == person.email)
            )
        ).all()
    assert sent.count(SET_NEW) == 5


async def test_who_asks_for_anothers_address_as_their_own_keeps_nobody_from_a_new_password(
    client, inbox, person
):
    other = await new_person(client)
    for _ in range(5):
        asked = await client.post(
            "/v1/me/email", json={"email": person.email}, headers=other.headers
        )
        assert asked.status_code == 202
    await forget(client, person.email)
    assert (await reset(client, await inbox(person.email).token(SET_NEW))).status_code == 204


async def test_a_later_token_ends_the_earlier(client, inbox, person):
    await forget(client, person.email)
    first = await inbox(person.email).token(SET_NEW)
    await forget(client, person.email)
    second = await inbox(person.email).token(SET_NEW, of=2)
    assert refusal(await reset(client, first)) == (422, "token_refused")
    assert (await reset(client, second)).status_code == 204


async def test_a_changed_password_ends_the_tokens_that_were_mailed(client, inbox, person):
    await forget(client, person.email)
    token = await inbox(person.email).token(SET_NEW)
    changed = await client.post(
        "/v1/me/password",
        json={"current_password": PASSWORD, "new_password": NEW},
        headers=person.headers,
    )
    assert changed.status_code == 204
    await inbox(person.email).letter("Your password has changed")
    assert refusal(await reset(client, token, "some third words")) == (422, "token_refused")


@pytest.mark.parametrize("password", ["short", "password123456", "luminous-2026", "1234567890"])
async def test_a_weak_new_password_is_named_and_uses_no_token(client, inbox, person, password):
    await forget(client, person.email)
    token = await inbox(person.email).token(SET_NEW)
    answer = await reset(client, token, password)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/new_password"
    assert (await reset(client, token)).status_code == 204


async def test_a_token_that_never_was_costs_no_hash(client, monkeypatch):
    hashes = []
    monkeypatch.setattr(passwords.context, "hash", lambda *given: hashes.append(given))
    assert refusal(await reset(client, "x" * 43)) == (422, "token_refused")
    assert hashes == []


async def test_an_account_without_a_password_gets_one_by_mail(client, kernel, inbox, person):
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User).where(User.id == person.user_id).values(password_hash=None)
        )
    refused = await client.post(
        "/v1/auth/login", json={"email": person.email, "password": PASSWORD}
    )
    assert refusal(refused) == (401, "credentials_refused")
    await forget(client, person.email)
    assert (await reset(client, await inbox(person.email).token(SET_NEW))).status_code == 204
    await sign_in(client, person.email, NEW)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("forgot-password", {}, "/body/email"),
        ("forgot-password", {"email": ""}, "/body/email"),
        ("forgot-password", {"email": "x" * 255}, "/body/email"),
        ("forgot-password", {"email": ["a@example.com"]}, "/body/email"),
        ("forgot-password", {"email": "a@example.com", "to": "b@example.com"}, "/body/to"),
        ("reset-password", {"token": "x" * 43}, "/body/new_password"),
        ("reset-password", {"new_password": NEW}, "/body/token"),
        ("restore", {"email": "a@example.com"}, "/body/password"),
    ],
)
async def test_a_bad_field_is_named(client, path, body, pointer):
    answer = await client.post(f"/v1/auth/{path}", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
