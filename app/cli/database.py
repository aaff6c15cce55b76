"""A look at DATABASE_URL before anything starts: one sentence where it will not do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]

from app.cli.errors import CannotServe
from app.core.database_url import parse_database_url

MIGRATIONS = Path(__file__).resolve().parents[2] / "alembic" / "versions"
SHARED: Final = (
    "DATABASE_URL leads to a pooler that lends a connection for one transaction only; set it to "
    "Postgres itself, or have the pooler lend it for a session."
)


def look_at_database(url: str) -> str | None:
    """The revision of its schema; raises CannotServe where nobody can be connected.

    By asyncpg: of a missing database or role, pg8000 tells of a network error.
    """
    return asyncio.run(_revision(url))


def look_at_schema(url: str) -> None:
    """Refuses a database that is behind; one that a newer version has migrated will do."""
    found = look_at_database(url)
    known = sorted(file.name.partition("_")[0] for file in MIGRATIONS.glob("[0-9]*.py"))
    if found is None or found in known[:-1]:
        raise CannotServe(
            "The database does not have all tables of this version of Luminous yet; run "
            "`luminous migrate` first."
        )


async def _revision(url: str) -> str | None:
    try:
        async with _connected(url) as one, _connected(url) as other:
            if await _is_shared(one, other):
                raise CannotServe(SHARED)
            found: str | None = await one.fetchval("select version_num from alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = " ".join(str(error).split()).rstrip(".") or "it does not answer"
        raise CannotServe(f"The database cannot be used: {reason}; check DATABASE_URL.") from None
    return found


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    # A statement that is prepared by name is found on one connection alone.
    told = parse_database_url(url).for_asyncpg()
    limit = told["timeout"]
    connection = await asyncpg.connect(**told, command_timeout=limit, statement_cache_size=0)
    try:
        yield connection
    finally:
        await connection.close(timeout=limit)


async def _is_shared(one: asyncpg.Connection, other: asyncpg.Connection) -> bool:
    """Whether a pooler lends the same connection of Postgres to both, or several to one."""
    pids = [await _pid(connection) for _ in range(5) for connection in (one, other)]
    return pids[0] == pids[1] or pids != pids[:2] * 5


async def _pid(connection: asyncpg.Connection) -> int:
    async with connection.transaction():
        pid: int = await connection.fetchval("select pg_backend_pid()")
    return pid
