"""Hashing: one cost for everyone, and a bounded queue."""

import asyncio

import pytest
from passlib.context import CryptContext

from app.identity.users import passwords
from tests.conftest import REAL_HASHING


async def test_a_hash_verifies_and_another_password_does_not():
    made = await passwords.hashed("correct horse battery")
    assert await passwords.verify("correct horse battery", made) == (True, None)
    assert await passwords.verify("correct horse batterz", made) == (False, None)


async def test_two_spellings_of_one_character_are_one_password():
    made = await passwords.hashed("cafe\u0301 au lait noir")
    assert (await passwords.verify("caf\u00e9 au lait noir", made))[0]


async def test_nothing_matches_an_unknown_account():
    assert await passwords.verify("any password", None) == (False, None)


def test_an_unknown_account_costs_what_a_known_one_does():
    assert not passwords.context.needs_update(passwords.UNMATCHABLE)


async def test_an_older_hash_is_replaced():
    older = CryptContext(schemes=["argon2"], argon2__time_cost=1, argon2__memory_cost=1024)
    matches, replacement = await passwords.verify(
        "some old password", older.hash("some old password")
    )
    assert matches
    assert replacement
    assert not passwords.context.needs_update(replacement)


async def test_past_the_queue_sign_in_says_come_back(monkeypatch):
    monkeypatch.setattr(passwords, "QUEUE", 3)
    outcomes = await asyncio.gather(
        *(passwords.verify("any password", None) for _ in range(10)), return_exceptions=True
    )
    refused = [o for o in outcomes if isinstance(o, passwords.HashingBusy)]
    assert len(refused) == 7
    assert refused[0].retry_after == 5
    with pytest.raises(passwords.HashingBusy):
        await asyncio.gather(*(passwords.hashed("any password") for _ in range(10)))


def test_outside_the_tests_a_hash_costs_what_it_should():
    """The tests themselves run with a cheap one."""
    assert REAL_HASHING["argon2__memory_cost"] >= 65_536
    assert REAL_HASHING["argon2__time_cost"] >= 3
    assert REAL_HASHING["argon2__type"] == "ID"
