"""Connections to databases of others: to checked addresses, and for one question or call each."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]

from app.agents.databases.dsn import Address, parse, tls_of
from app.agents.databases.errors import DatabaseFailed, DatabaseUnusable
from app.agents.databases.models import ConnectedDatabase
from app.core.crypto import Vault
from app.core.net import AddressPolicy, literal_address

# The driver has no types.
Connection = Any
CONNECT_SECONDS: Final = 8.0
# Whoever answers may say anything: what the driver cannot read is a ValueError or a BufferError.
_FAILURES: Final = (
    OSError, TimeoutError, ValueError, BufferError,
    asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
)  # fmt: skip
# What a statement may take beyond the server's own limit before the connection is dropped.
_GRACE_SECONDS: Final = 5.0


class Connector:
    """`allow` are hosts and networks that the operator lets workspaces reach, beside public ones.

    At most `at_once` databases are asked together, and half as many written to.
    """

    def __init__(self, allow: tuple[str, ...], at_once: int = 8) -> None:
        self._policy = AddressPolicy(allow)
        self._turns = asyncio.Semaphore(at_once)
        self._writers = asyncio.Semaphore(max(at_once // 2, 1))

    @asynccontextmanager
    async def reading(
        self, address: Address, schemas: list[str], seconds: int
    ) -> AsyncIterator[Connection]:
        """A connection in a transaction that can only read, and that is rolled back at its end.

        Raises AddressRefused, and DatabaseFailed where the server refuses, is slow or is away.
        """
        settings = _settings(schemas, seconds) | {"default_transaction_read_only": "on"}
        async with self._turns, self._connected(address, settings, seconds) as connection:
            transaction = connection.transaction(readonly=True)
            await transaction.start()
            yield connection
            await transaction.rollback()

    @asynccontextmanager
    async def writing(
        self, address: Address, schemas: list[str], seconds: int, most_seconds: int
    ) -> AsyncIterator[Connection]:
        """A connection that may write, in no transaction yet.

        A statement may take `seconds`, all of them `most_seconds`. What is not committed when it
        is left is undone. Raises what `reading` does.
        """
        settings = _settings(schemas, seconds)
        async with self._writers, self._connected(address, settings, most_seconds) as connection:
            yield connection

    @asynccontextmanager
    async def _connected(
        self, address: Address, settings: dict[str, str], seconds: int
    ) -> AsyncIterator[Connection]:
        try:
            connection = await self._connect(address, settings)
        except _FAILURES as error:
            raise DatabaseFailed(f"It cannot be connected to: {_why(error)}.") from None
        try:
            async with asyncio.timeout(seconds + _GRACE_SECONDS):
                yield connection
        except TimeoutError:
            raise DatabaseFailed("It took too long to answer.") from None
        except asyncpg.PostgresError:
            raise
        except _FAILURES as error:
            raise DatabaseFailed(f"The connection broke: {_why(error)}.") from None
        finally:
            connection.terminate()

    async def _connect(self, address: Address, settings: dict[str, str]) -> Connection:
        """Nothing is read of this process's environment, nor of files of its user."""
        async with asyncio.timeout(CONNECT_SECONDS):
            checked = await self._resolve(address)
            connection: Connection = await asyncpg.connect(
                host=checked,
                port=address.port,
                database=address.database,
                user=address.user,
                password=address.password,
                passfile=os.devnull,
                ssl=tls_of(address),
                timeout=CONNECT_SECONDS,
                command_timeout=None,
                statement_cache_size=0,
                target_session_attrs="any",
                server_settings=settings,
            )
        return connection

    async def _resolve(self, address: Address) -> list[str]:
        """The addresses of its host, every one allowed."""
        literal = literal_address(address.host)
        if literal is not None:
            found = [str(literal)]
        else:
            loop = asyncio.get_running_loop()
            told = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            found = list(dict.fromkeys(str(entry[4][0]) for entry in told))
        self._policy.check(address.host, found)
        return found


def address_of(vault: Vault, database: ConnectedDatabase) -> Address:
    """Where a database is, opened; raises DatabaseUnusable."""
    if database.sealed_dsn is None or not database.enabled:
        raise DatabaseUnusable("It has no DSN, or is disabled.")
    context = f"database:{database.workspace_id}:{database.id}"
    return parse(vault.open(database.sealed_dsn, context=context))


def said(error: asyncpg.PostgresError) -> str:
    """The server's words, with what it tells further."""
    more = [text for name in ("detail", "hint") if (text := getattr(error, name, None))]
    return " ".join([str(error.args[0]), *(f"({each})" for each in more)])[:500]


def _settings(schemas: list[str], seconds: int) -> dict[str, str]:
    quoted = ", ".join('"' + each.replace('"', '""') + '"' for each in schemas)
    return {
        "application_name": "luminous",
        "statement_timeout": str(seconds * 1000),
        "lock_timeout": "2000",
        "idle_in_transaction_session_timeout": "30000",
        "search_path": quoted,
        "standard_conforming_strings": "on",
        "client_encoding": "UTF8",
    }


def _why(error: BaseException) -> str:
    """In the server's words where it has any, without its address."""
    if isinstance(error, asyncpg.PostgresError) and (said := getattr(error, "message", None)):
        return str(said)[:300]
    return type(error).__name__
