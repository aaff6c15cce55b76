"""Hashes of other systems open the account once, and are Argon2id from then on."""

import bcrypt
import pytest
from passlib.hash import argon2, scrypt
from sqlalchemy import select, update

from app.core.db import SYSTEM
from app.identity.users import passwords
from app.identity.users.models import User
from tests.support.identity import PASSWORD, register, sign_in


def bcrypt_of(password, prefix="2b"):
    made = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    return made.replace("$2b$", f"${prefix}$")


OTHERS = {
    "bcrypt": bcrypt_of,
    "bcrypt of PHP": lambda p: bcrypt_of(p, "2y"),
    "scrypt": lambda p: scrypt.using(rounds=10).hash(p),
    "argon2i": lambda p: argon2.using(type="I", memory_cost=1024, time_cost=1).hash(p),
    "argon2id": lambda p: argon2.using(type="ID", memory_cost=1024, time_cost=1).hash(p),
}


@pytest.mark.parametrize("kind", OTHERS)
async def test_the_first_sign_in_replaces_the_hash(client, kernel, kind):
    user = await register(client)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User).where(User.id == user["id"]).values(password_hash=OTHERS[kind](PASSWORD))
        )
    wrong = await client.post("/v1/auth/login", json={"email": user["email"], "password": "no"})
    assert wrong.status_code == 401
    await sign_in(client, user["email"])
    async with kernel.database.unit(SYSTEM) as session:
        stored = await session.scalar(select(User.password_hash).where(User.id == user["id"]))
    assert stored.startswith("$argon2id$")
    assert not passwords.context.needs_update(stored)
    await sign_in(client, user["email"])


async def test_bcrypt_looks_at_seventy_two_bytes_as_it_did_elsewhere():
    long = "ü" * 60
    assert (await passwords.verify(long, bcrypt_of(long)))[0]
    assert not (await passwords.verify("ü" * 35, bcrypt_of(long)))[0]


async def test_what_was_typed_is_tried_as_it_was():
    typed = "cafe\u0301 au lait noir"
    matches, replacement = await passwords.verify(typed, bcrypt_of(typed))
    assert matches
    assert (await passwords.verify("caf\u00e9 au lait noir", replacement))[0]


@pytest.mark.parametrize("kind", OTHERS)
async def test_another_systems_hash_is_checked_beside_the_work_for_an_unknown_account(
    monkeypatch, kind
):
    checked, other = [], OTHERS[kind](PASSWORD)
    verify = passwords.context.verify
    monkeypatch.setattr(passwords.context, "verify", lambda p, h: checked.append(h) or verify(p, h))
    await passwords.verify("not it", other)
    assert sorted(checked) == sorted([other, passwords.UNMATCHABLE])


async def test_a_hash_of_our_own_is_checked_alone(monkeypatch):
    checked, own = [], await passwords.hashed(PASSWORD)
    verify = passwords.context.verify
    monkeypatch.setattr(passwords.context, "verify", lambda p, h: checked.append(h) or verify(p, h))
    await passwords.verify("not it", own)
    assert checked == [own]
