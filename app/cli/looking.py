"""A look at other servers that URLs name, before anything starts."""

import asyncio

import redis

from app.cli.errors import CannotServe
from app.core.config import Settings
from app.core.db import Database
from app.knowledge.vectors.pgvector import PgVectorIndex

SECONDS = 5  # how long a server gets to answer


def look_at_vectors(settings: Settings) -> None:
    """Tells where Postgres has no pgvector."""
    if settings.vectors == "pgvector" and settings.database_url is not None:
        asyncio.run(_check_pgvector(settings.database_url.get_secret_value()))


async def _check_pgvector(database_url: str) -> None:
    database = Database(database_url)
    try:
        await PgVectorIndex(database).check()
    finally:
        await database.close()


def look_at_redis(settings: Settings) -> None:
    if settings.redis_url is None:
        return
    try:
        with redis.Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_connect_timeout=SECONDS,
            socket_timeout=SECONDS,
        ) as client:
            client.ping()
    except (OSError, redis.RedisError) as error:
        raise CannotServe(
            f"The server at REDIS_URL cannot be used: {str(error).rstrip('.')}."
        ) from None
