"""The kernel of a running process: the few things that every request needs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as ValkeyConnectionError

from app.core.admission import Admission
from app.core.auth import AccessResolver
from app.core.config import InvalidSettings, Settings
from app.core.crypto import InvalidMasterKey, Vault, open_vault
from app.core.crypto.root import load_root
from app.core.db import Database
from app.core.limiter import Limiter
from app.core.mail import seal_queued
from app.core.outbound import Outbound
from app.core.outbox import OUTBOX, nudging
from app.core.paging import Cursors
from app.core.sending import CANCELLABLE
from app.core.tasks import Background
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
    background: Background = field(default_factory=Background)
    outbound: Outbound = field(init=False)
    admission: Admission = field(init=False)

    def __post_init__(self) -> None:
        self.outbound = Outbound(self.settings.outbound_allow)
        self.admission = Admission(self.settings, Limiter(self.valkey))


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
    database = Database(
        settings.database_url.get_secret_value(), pool_size=settings.database_pool_size
    )
    vault = await _open_vault(settings, database)
    try:
        qdrant = open_vectors(settings) if vectors else None
    except InvalidSettings:
        await database.close()
        raise
    valkey = connect_valkey(settings.redis_url.get_secret_value())
    kernel = Kernel(
        settings=settings,
        database=database,
        valkey=valkey,
        vectors=qdrant,
        vault=vault,
        cursors=Cursors(vault.derived_key("cursors")),
    )
    database.before_commit += [
        seal_queued(vault, lambda: kernel.nudge("mail")),
        nudging(lambda: kernel.nudge(OUTBOX)),
    ]
    try:
        yield kernel
    finally:
        await kernel.background.close()
        await kernel.outbound.close()
        if qdrant is not None:
            await qdrant.close()
        await valkey.aclose()
        await database.close()


async def _open_vault(settings: Settings, database: Database) -> Vault:
    """The vault with its root secret; raises InvalidSettings where its keys do not fit."""
    try:
        vault = open_vault(settings)
        await load_root(database, vault)
    except InvalidMasterKey as error:
        await database.close()
        raise InvalidSettings(f"The master key cannot be used: {error}.") from None
    except BaseException:
        await database.close()
        raise
    return vault


def connect_valkey(url: str) -> Valkey:
    """A pooled client that retries a lost connection once or twice, briefly.

    Who finds all its connections in use waits for one, at most five seconds.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=100,
        timeout=5,
        socket_connect_timeout=5,
        health_check_interval=15,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 2),
        retry_on_error=[ValkeyConnectionError],
    )
    pool.connection_class = CANCELLABLE[pool.connection_class]
    return Redis.from_pool(pool)
