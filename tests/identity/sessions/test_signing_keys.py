"""Signing keys: made once, kept sealed, read again when another process made one."""

import asyncio
from datetime import timedelta

import pytest_asyncio
from sqlalchemy import func, select, update

from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import SYSTEM, Database
from app.identity.sessions import keys as module
from app.identity.sessions.keys import SigningKeys
from app.identity.sessions.models import SigningKey
from tests.conftest import migrated_database

VAULT = Vault(b"k" * 32)


@pytest_asyncio.fixture(loop_scope="session")
async def database(stores, worker_number):
    url = migrated_database(stores[0], f"signing_keys_{worker_number}")
    opened = Database(url, pool_size=5)
    yield opened
    await opened.close()


async def count(database):
    async with database.unit(SYSTEM) as session:
        return await session.scalar(select(func.count()).select_from(SigningKey))


async def test_processes_that_start_together_make_one_key(database):
    processes = [SigningKeys(database, VAULT) for _ in range(5)]
    signers = await asyncio.gather(*(p.signer() for p in processes))
    assert len({s.kid for s in signers}) == 1
    assert await count(database) == 1


async def test_the_private_half_is_sealed_for_its_own_row(database):
    await SigningKeys(database, VAULT).signer()
    async with database.unit(SYSTEM) as session:
        row = await session.scalar(select(SigningKey))
    assert b"PRIVATE KEY" not in row.sealed_private_key
    assert "PRIVATE KEY" in VAULT.open(row.sealed_private_key, context=f"signing_keys/{row.id}")


async def test_a_made_up_id_is_looked_up_once_in_a_while(database, monkeypatch):
    keys = SigningKeys(database, VAULT)
    await keys.signer()
    loads = 0
    load = keys._load

    async def counting():
        nonlocal loads
        loads += 1
        return await load()

    monkeypatch.setattr(keys, "_load", counting)
    for _ in range(20):
        assert await keys.public("made-up") is None
    assert loads == 0
    monkeypatch.setattr(module, "UNKNOWN_SECONDS", 0)
    assert await keys.public("made-up") is None
    assert loads == 1


async def test_a_retired_key_checks_for_as_long_as_its_tokens_may_live_and_signs_no_more(
    database, monkeypatch
):
    first = await SigningKeys(database, VAULT).signer()

    async def retire(ago):
        async with database.unit(SYSTEM) as session:
            await session.execute(
                update(SigningKey).where(SigningKey.id == first.kid).values(retired_at=now() - ago)
            )
        return SigningKeys(database, VAULT)

    keys = await retire(timedelta(minutes=30))
    assert (await keys.signer()).kid != first.kid
    assert await keys.public(first.kid) is not None
    assert len(await keys.jwks()) == 2
    assert await (await retire(timedelta(minutes=71))).public(first.kid) is None


async def test_with_another_master_key_another_key_is_made_and_the_old_still_checks(database):
    first = await SigningKeys(database, VAULT).signer()
    other = SigningKeys(database, Vault(b"o" * 32))
    assert (await other.signer()).kid != first.kid
    assert await other.public(first.kid) is not None
    assert (await SigningKeys(database, VAULT).signer()).kid == first.kid
