"""POST /v1/auth/register."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.db import SYSTEM
from app.identity.users.models import User
from tests.support.identity import PASSWORD, bearer, register, sign_in


async def test_a_new_account_owns_a_personal_workspace(client):
    user = await register(client)
    assert (user["email_verified_at"], user["avatar_url"], user["version"]) == (None, None, 1)
    token = (await sign_in(client, user["email"]))["access_token"]
    listed = (await client.get("/v1/workspaces", headers=bearer(token))).json()["data"]
    assert [(w["kind"], w["role"]) for w in listed] == [("personal", "owner")]


async def test_the_address_is_trimmed_and_lower_case(client):
    name = uuid4().hex
    user = await register(client, f"  {name.upper()}@Example.COM ")
    assert user["email"] == f"{name}@example.com"
    await sign_in(client, f" {name.upper()}@EXAMPLE.com")


async def test_a_taken_address_is_a_conflict_and_leaves_nothing(client, kernel):
    user = await register(client)
    again = await client.post(
        "/v1/auth/register", json={"email": user["email"].upper(), "password": PASSWORD}
    )
    assert (again.status_code, again.json()["code"]) == (409, "email_taken")
    async with kernel.database.unit(SYSTEM) as session:
        rows = (await session.scalars(select(User).where(User.email == user["email"]))).all()
    assert len(rows) == 1


async def test_the_password_is_kept_as_argon2id(client, kernel):
    user = await register(client)
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(User).where(User.email == user["email"]))
    assert row.password_hash.startswith("$argon2id$")


async def test_a_closed_installation_registers_nobody(client, kernel, monkeypatch):
    closed = kernel.settings.model_copy(update={"registration": "closed"})
    monkeypatch.setattr(kernel, "settings", closed)
    answer = await client.post(
        "/v1/auth/register", json={"email": "new@example.com", "password": PASSWORD}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "registration_closed")


GOOD = {"email": "someone@example.com", "password": PASSWORD}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"email": "no address"}, "/body/email"),
        ({"email": ""}, "/body/email"),
        ({"email": "a" * 300 + "@example.com"}, "/body/email"),
        ({"email": "a" * 65 + "@example.com"}, "/body/email"),
        ({"email": 7}, "/body/email"),
        ({"email": None}, "/body/email"),
        ({"password": "too short"}, "/body/password"),
        ({"password": "x" * 201}, "/body/password"),
        ({"password": ""}, "/body/password"),
        ({"password": ["a", "list"]}, "/body/password"),
        ({"password": 12345678901234567890}, "/body/password"),
        ({"password": "Someone@Example.com"}, "/body/password"),
        ({"name": ""}, "/body/name"),
        ({"name": "n" * 201}, "/body/name"),
        ({"role": "owner"}, "/body/role"),
    ],
)
async def test_a_bad_field_is_named(client, change, pointer):
    answer = await client.post("/v1/auth/register", json=GOOD | change)
    assert answer.status_code == 422, answer.text
    assert pointer in {e["pointer"] for e in answer.json()["errors"]}
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'"text"',
        b'{"email": "\xff@example.com", "password": "a few plain words"}',
        b'{"email": "a\\u0000@example.com", "password": "a few plain words"}',
        b'{"email": "a@example.com", "password": "a few \\ud800 plain words"}',
        b"[" * 100_000,
        b'{"email": ' + b"9" * 5000 + b"}",
    ],
)
@pytest.mark.parametrize("path", ["register", "login", "refresh"])
async def test_a_body_that_is_no_object_is_refused(client, path, body):
    answer = await client.post(
        f"/v1/auth/{path}", content=body, headers={"Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
