"""Processes tell each other of revoked keys, and get over a lost Valkey."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest_asyncio

from app.cli.embedded import EmbeddedEngines
from app.core.auth import Access
from app.core.kernel import connect_valkey
from app.identity.api_keys.known_keys import KnownKey, KnownKeys
from app.identity.api_keys.revocations import CHANNEL, Revocations
from tests.support.identity import until


class OwnValkey:
    """A Valkey of this test's own at an address that stays the same over a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._address = folder / "valkey.sock"
        self._engines = None

    async def start(self) -> None:
        self._engines = EmbeddedEngines(self._folder / "data", postgres=False, durable=False)
        await asyncio.to_thread(self._engines.start)
        url = self._engines.redis_url
        self._address.unlink(missing_ok=True)
        self._address.symlink_to(url.removeprefix("unix://").partition("?")[0])

    async def stop(self) -> None:
        await asyncio.to_thread(self._engines.stop)

    @property
    def url(self) -> str:
        return f"unix://{self._address}?db=0"


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path):
    own = OwnValkey(tmp_path)
    await own.start()
    yield own
    await own.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def valkey(server):
    client = connect_valkey(server.url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def listening(valkey):
    """What a process remembers that hears of revocations."""
    known = KnownKeys(fresh_seconds=60)
    revocations = Revocations(valkey, known)
    revocations.start()
    await subscribed(valkey, known)
    yield known
    await revocations.close()


async def subscribed(valkey, known, after=0):
    async def heard():
        counted = (await valkey.pubsub_numsub(CHANNEL))[0][1]
        return counted == 1 and known.generation > after

    await until(heard)


def remember(known):
    key = KnownKey(Access(uuid4(), uuid4(), frozenset(), "api_key", uuid4()), None)
    known.remember(b"hash", key, known.generation)
    assert known.find(b"hash")[0]
    return key.access.credential_id


async def forgotten(known):
    async def gone():
        return known.find(b"hash")[0] is None

    await until(gone)


async def test_another_process_hears_of_a_revoked_key(valkey, listening):
    key_id = remember(listening)
    Revocations(valkey, KnownKeys()).tell(key_id)
    await forgotten(listening)


async def test_words_it_does_not_know_make_it_forget_everything(valkey, listening):
    remember(listening)
    await valkey.publish(CHANNEL, "all of them")
    await forgotten(listening)


async def test_a_cut_connection_is_made_again_and_all_is_forgotten(valkey, listening):
    remember(listening)
    await valkey.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await forgotten(listening)
    key_id = remember(listening)
    Revocations(valkey, KnownKeys()).tell(key_id)
    await forgotten(listening)


async def test_it_listens_again_after_valkey_was_away(server, valkey, listening):
    before = listening.generation
    await server.stop()
    key_id = remember(listening)
    teller = Revocations(valkey, listening)
    teller.tell(key_id)
    assert listening.find(b"hash")[0] is None
    await teller.close()
    await server.start()
    await subscribed(valkey, listening, after=before + 1)
    key_id = remember(listening)
    await valkey.publish(CHANNEL, str(key_id))
    await forgotten(listening)
