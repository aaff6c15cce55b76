"""The kernel of a running process: the few things that every request needs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as ValkeyConnectionError

from app.core.auth import AccessResolver
from app.core.config import InvalidSettings, Settings
from app.core.crypto import InvalidMasterKey, Vault, open_vault
from app.core.db import Database
from app.core.paging import Cursors
from app.core.vectors import Vectors, open_vectors

Valkey = Redis


@dataclass(slots=True)
class Kernel:
    """What the composition root opens at start and closes at the end.

    `nudge` runs a background job now, by its name.
    """

    settings: Settings
    database: Database
    valkey: Valkey
    vectors: Vectors | None
    vault: Vault
    cursors: Cursors
    resolver: AccessResolver | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    nudge: Callable[[str], None] = field(default=lambda _: None)


@asynccontextmanager
async def open_kernel(settings: Settings, *, vectors: bool = True) -> AsyncIterator[Kernel]:
    """Open the stores of one process; raises InvalidSettings where an address is missing.

    Without `vectors` it stands beside a running service, whose local vector store is its own.
    """
    if settings.database_url is None or settings.redis_url is None:
        raise InvalidSettings(
            "DATABASE_URL and REDIS_URL must be set for `luminous serve`; "
            "`./scripts/up` starts its own engines."
        )
    key = settings.master_key.get_secret_value() if settings.master_key else None
    try:
        vault = open_vault(key, settings.data_dir)
    except InvalidMasterKey as error:
        raise InvalidSettings(
            f"LUMINOUS_MASTER_KEY cannot be used: {error}; make one with `openssl rand -base64 32`."
        ) from None
    database = Database(
        settings.database_url.get_secret_value(), pool_size=settings.database_pool_size
    )
    valkey = connect_valkey(settings.redis_url.get_secret_value())
    qdrant = open_vectors(settings) if vectors else None
    try:
        yield Kernel(
            settings=settings,
            database=database,
            valkey=valkey,
            vectors=qdrant,
            vault=vault,
            cursors=Cursors(vault.derived_key("cursors")),
        )
    finally:
        if qdrant is not None:
            await qdrant.close()
        await valkey.aclose()
        await database.close()


def connect_valkey(url: str) -> Valkey:
    """A pooled client that retries a lost connection once or twice, briefly."""
    return Redis.from_url(
        url,
        socket_connect_timeout=5,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
        retry_on_error=[ValkeyConnectionError],
    )
