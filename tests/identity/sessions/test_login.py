"""POST /v1/auth/login."""

import asyncio

import pytest
from passlib.context import CryptContext
from sqlalchemy import select, update

from app.core.db import SYSTEM
from app.identity.sessions.cookies import COOKIE
from app.identity.sessions.models import RefreshToken, UserSession
from app.identity.users.models import User
from tests.support.identity import PASSWORD, new_person, register, sign_in, until


async def test_a_browser_gets_its_refresh_token_as_a_host_cookie(client):
    user = await register(client)
    answer = await client.post(
        "/v1/auth/login", json={"email": user["email"], "password": PASSWORD}
    )
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 600
    assert body["refresh_token"] is None
    assert answer.headers["cache-control"] == "no-store"
    name, *attributes = [p.strip() for p in answer.headers["set-cookie"].split(";")]
    assert name.startswith(COOKIE + "=")
    assert {"HttpOnly", "Secure", "Path=/"} <= set(attributes)
    assert "SameSite=strict" in attributes
    assert not any(a.startswith("Domain") for a in attributes)


async def test_a_native_client_gets_it_in_the_body(client):
    user = await register(client)
    answer = await client.post(
        "/v1/auth/login",
        json={"email": user["email"], "password": PASSWORD, "refresh_token_in": "body"},
    )
    assert len(answer.json()["refresh_token"]) == 43
    assert "set-cookie" not in answer.headers


async def test_only_hashes_of_refresh_tokens_are_kept(client, kernel):
    person = await new_person(client)
    async with kernel.database.unit(SYSTEM) as session:
        rows = (await session.scalars(select(RefreshToken.token_hash))).all()
    assert person.refresh_token.encode() not in b"".join(rows)


async def test_the_session_remembers_the_device(client, kernel):
    user = await register(client)
    await client.post(
        "/v1/auth/login",
        json={"email": user["email"], "password": PASSWORD},
        headers={"User-Agent": "A browser " + "x" * 500},
    )
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(UserSession).where(UserSession.user_id == user["id"]))
    assert row.user_agent.startswith("A browser")
    assert len(row.user_agent) == 400
    assert row.address == "127.0.0.1"


async def refusal(client, email):
    answer = await client.post("/v1/auth/login", json={"email": email, "password": "not it"})
    body = answer.json()
    body.pop("request_id")
    return answer.status_code, body


async def test_unknown_address_and_wrong_password_answer_alike(client):
    user = await register(client)
    unknown = await refusal(client, "nobody-here@example.com")
    wrong = await refusal(client, user["email"])
    no_address = await refusal(client, "no address at all")
    assert unknown == wrong == no_address
    assert (unknown[0], unknown[1]["code"]) == (401, "credentials_refused")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "", "password": "x"}, "/body/email"),
        ({"email": "x" * 255, "password": "x"}, "/body/email"),
        ({"email": {}, "password": "x"}, "/body/email"),
        ({"email": "a@example.com", "password": ""}, "/body/password"),
        ({"email": "a@example.com", "password": "x" * 1001}, "/body/password"),
        ({"email": "a@example.com"}, "/body/password"),
        (
            {"email": "a@example.com", "password": "x", "refresh_token_in": "url"},
            "/body/refresh_token_in",
        ),
        ({"email": "a@example.com", "password": "x", "otp": "1"}, "/body/otp"),
    ],
)
async def test_a_bad_field_is_named(client, body, pointer):
    answer = await client.post("/v1/auth/login", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_older_hash_is_replaced_on_sign_in(client, kernel):
    user = await register(client)
    older = CryptContext(schemes=["argon2"], argon2__time_cost=1, argon2__memory_cost=1024)
    weak = older.hash(PASSWORD)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(update(User).where(User.id == user["id"]).values(password_hash=weak))
    await sign_in(client, user["email"])
    async with kernel.database.unit(SYSTEM) as session:
        stored = await session.scalar(select(User.password_hash).where(User.id == user["id"]))
    assert stored != weak
    await sign_in(client, user["email"])


async def test_many_sign_ins_at_once_leave_connections_for_others(client, kernel):
    user = await register(client)
    body = {"email": user["email"], "password": "not the password"}
    waiting = [asyncio.create_task(client.post("/v1/auth/login", json=body)) for _ in range(40)]

    async def idle():
        return kernel.database.engine.pool.checkedout() <= 1

    await until(idle)
    assert len([w for w in waiting if not w.done()]) > 10
    assert {a.status_code for a in await asyncio.gather(*waiting)} == {401}
