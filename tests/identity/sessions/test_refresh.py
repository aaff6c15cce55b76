"""Rotation of refresh tokens: one living token, a short grace, and the end of a stolen family."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.sessions import refresh as tokens
from app.identity.sessions.cookies import COOKIE
from app.identity.sessions.models import RefreshToken, UserSession
from tests.support.identity import bearer, new_person, sign_in


async def refresh(client, token):
    return await client.post("/v1/auth/refresh", json={"refresh_token": token})


async def living(kernel, user_id):
    """How many tokens of a user could still be used."""
    async with kernel.database.unit(SYSTEM) as session:
        return await session.scalar(
            select(func.count())
            .select_from(RefreshToken)
            .join(UserSession, UserSession.id == RefreshToken.session_id)
            .where(
                UserSession.user_id == user_id,
                UserSession.revoked_at.is_(None),
                RefreshToken.used_at.is_(None),
            )
        )


async def let_grace_pass(kernel, token):
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(RefreshToken)
            .where(RefreshToken.token_hash == tokens.hash_of(token))
            .values(used_at=now() - tokens.GRACE - timedelta(seconds=1))
        )


async def test_a_refresh_gives_other_tokens_that_work(client, kernel):
    person = await new_person(client)
    answer = await refresh(client, person.refresh_token)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["refresh_token"] != person.refresh_token
    assert body["access_token"] != person.access_token
    me = await client.get("/v1/me", headers=bearer(body["access_token"]))
    assert me.json()["user"]["id"] == person.user_id
    assert (await refresh(client, body["refresh_token"])).status_code == 200
    assert await living(kernel, person.user_id) == 1


async def test_a_refresh_moves_the_end_of_the_session(client, kernel):
    person = await new_person(client)
    soon = now() + timedelta(minutes=5)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession).where(UserSession.user_id == person.user_id).values(expires_at=soon)
        )
    await refresh(client, person.refresh_token)
    async with kernel.database.unit(SYSTEM) as session:
        ends = await session.scalar(
            select(UserSession.expires_at).where(UserSession.user_id == person.user_id)
        )
    assert ends > soon + timedelta(days=29)


async def test_within_the_grace_the_same_successor_comes_again(client, kernel):
    person = await new_person(client)
    first = (await refresh(client, person.refresh_token)).json()["refresh_token"]
    again = (await refresh(client, person.refresh_token)).json()["refresh_token"]
    assert again == first
    assert await living(kernel, person.user_id) == 1


async def test_within_the_grace_an_old_token_leads_to_the_newest(client, kernel):
    person = await new_person(client)
    second = (await refresh(client, person.refresh_token)).json()["refresh_token"]
    third = (await refresh(client, second)).json()["refresh_token"]
    assert (await refresh(client, person.refresh_token)).json()["refresh_token"] == third
    assert await living(kernel, person.user_id) == 1


async def test_a_repeat_does_not_lengthen_the_grace(client, kernel):
    person = await new_person(client)
    await refresh(client, person.refresh_token)
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(
            select(RefreshToken).where(
                RefreshToken.token_hash == tokens.hash_of(person.refresh_token)
            )
        )
    await refresh(client, person.refresh_token)
    async with kernel.database.unit(SYSTEM) as session:
        assert (await session.get(RefreshToken, row.id)).used_at == row.used_at


async def test_a_hundred_at_once_leave_one_living_token(client, kernel):
    person = await new_person(client)
    answers = await asyncio.gather(*(refresh(client, person.refresh_token) for _ in range(100)))
    assert {a.status_code for a in answers} == {200}
    assert len({a.json()["refresh_token"] for a in answers}) == 1
    assert await living(kernel, person.user_id) == 1
    assert (await refresh(client, answers[0].json()["refresh_token"])).status_code == 200


async def test_reuse_after_the_grace_ends_the_family_for_good(client, kernel):
    person = await new_person(client)
    other_device = await sign_in(client, person.email)
    successor = (await refresh(client, person.refresh_token)).json()
    await let_grace_pass(kernel, person.refresh_token)

    reused = await refresh(client, person.refresh_token)
    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_token_reused")

    for token in (successor["refresh_token"], person.refresh_token):
        dead = await refresh(client, token)
        assert (dead.status_code, dead.json()["code"]) == (401, "refresh_token_invalid")
    for token in (person.access_token, successor["access_token"]):
        assert (await client.get("/v1/me", headers=bearer(token))).status_code == 401
    async with kernel.database.unit(SYSTEM) as session:
        reasons = await session.scalars(
            select(UserSession.revoked_reason).where(
                UserSession.user_id == person.user_id, UserSession.revoked_at.is_not(None)
            )
        )
        assert reasons.all() == ["refresh_token_reused"]
    assert (await refresh(client, other_device["refresh_token"])).status_code == 200


async def test_an_ended_session_refreshes_no_more(client, kernel):
    person = await new_person(client)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == person.user_id)
            .values(expires_at=now())
        )
    answer = await refresh(client, person.refresh_token)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")
    assert (await client.get("/v1/me", headers=person.headers)).status_code == 401


async def test_a_chain_made_under_another_master_key_is_refused_and_not_punished(
    client, kernel, monkeypatch
):
    person = await new_person(client)
    second = (await refresh(client, person.refresh_token)).json()["refresh_token"]
    with monkeypatch.context() as patched:
        patched.setattr(tokens, "successor", lambda _vault, _token: "another")
        answer = await refresh(client, person.refresh_token)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")
    assert (await refresh(client, second)).status_code == 200


async def test_tokens_used_long_ago_are_forgotten(client, kernel):
    person = await new_person(client)
    second = (await refresh(client, person.refresh_token)).json()["refresh_token"]
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(RefreshToken)
            .where(RefreshToken.token_hash == tokens.hash_of(person.refresh_token))
            .values(used_at=now() - timedelta(days=31))
        )
    assert (await refresh(client, second)).status_code == 200
    assert (await refresh(client, person.refresh_token)).json()["code"] == "refresh_token_invalid"


@pytest.mark.parametrize("token", ["made-up", "é" * 20, "x" * 200])
async def test_an_unknown_token_is_refused(client, token):
    answer = await refresh(client, token)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_invalid")


@pytest.mark.parametrize("token", ["", "x" * 201, 5, None, ["x"]])
async def test_a_bad_field_is_named(client, token):
    answer = await refresh(client, token)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/refresh_token"


async def by_cookie(client, path, token, **headers):
    return await client.post(path, headers={"Cookie": f"{COOKIE}={token}", **headers})


FROM_APP = {"Origin": "https://app.example", "X-Requested-With": "luminous"}


async def test_a_browser_refreshes_with_its_cookie(client):
    person = await new_person(client)
    answer = await by_cookie(client, "/v1/auth/refresh", person.refresh_token, **FROM_APP)
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] is None
    assert COOKIE in answer.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/v1/auth/refresh", "/v1/auth/logout"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://app.example"},
        {"X-Requested-With": "luminous"},
        {"X-Requested-With": "", "Origin": "https://app.example"},
        {"X-Requested-With": "luminous", "Origin": "https://evil.example"},
        {"X-Requested-With": "luminous", "Origin": "null"},
        {"X-Requested-With": "luminous", "Origin": "http://app.example"},
        {"X-Requested-With": "luminous", "Origin": "https://app.example.evil.example"},
        {"X-Requested-With": "luminous", "Origin": ""},
    ],
)
async def test_a_cookie_from_another_site_is_refused(client, path, headers):
    person = await new_person(client)
    answer = await by_cookie(client, path, person.refresh_token, **headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_refused")
    assert (await refresh(client, person.refresh_token)).status_code == 200


async def test_the_services_own_origin_and_public_url_are_listed(
    client, kernel, address, monkeypatch
):
    person = await new_person(client)
    settings = kernel.settings.model_copy(update={"public_url": "https://api.example/base"})
    monkeypatch.setattr(kernel, "settings", settings)
    for origin in (address, "https://api.example", address.replace("http:", "https:")):
        answer = await by_cookie(
            client,
            "/v1/auth/refresh",
            person.refresh_token,
            **{"Origin": origin, "X-Requested-With": "x"},
        )
        assert answer.status_code == 200, origin


async def test_no_token_at_all_is_told_so(client):
    answer = await client.post("/v1/auth/refresh", headers=FROM_APP)
    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_token_missing")
