"""Another key signs after a while; tokens of the one before stay good until they expire."""

from datetime import timedelta

import pytest_asyncio

from app.core.crypto import Vault
from app.core.db import Database
from app.identity.sessions import keys as module
from app.identity.sessions.keys import SigningKeys
from tests.conftest import migrated_database

VAULT = Vault(b"k" * 32)


@pytest_asyncio.fixture(loop_scope="session")
async def database(stores, worker_number):
    url = migrated_database(stores[0], f"key_rotation_{worker_number}")
    opened = Database(url, pool_size=5)
    yield opened
    await opened.close()


async def test_a_new_key_signs_and_the_former_still_checks(database, monkeypatch):
    monkeypatch.setattr(module, "KNOWN", timedelta())
    keys = SigningKeys(database, VAULT)
    former = (await keys.signer()).kid
    assert await keys.rotate()
    newest = (await keys.signer()).kid
    assert newest != former
    other = SigningKeys(database, VAULT)
    assert (await other.signer()).kid == newest
    assert await other.public(former) is not None
    assert {key["kid"] for key in await other.jwks()} == {former, newest}


async def test_a_new_key_signs_only_once_every_process_can_know_it(database):
    keys = SigningKeys(database, VAULT)
    former = (await keys.signer()).kid
    assert await keys.rotate()
    assert (await keys.signer()).kid == former
    assert len(await keys.jwks()) == 2


async def test_a_key_that_is_young_enough_stays(database):
    keys = SigningKeys(database, VAULT)
    former = (await keys.signer()).kid
    assert not await keys.rotate(older_than=timedelta(days=90))
    assert (await keys.signer()).kid == former
