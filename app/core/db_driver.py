"""asyncpg, with a transaction and whom it serves begun in one message to Postgres.

To SQLAlchemy's own dialect the scope of a transaction is a statement of its own: a second round
trip, and more work here than in Postgres, for every unit of work.
"""

import os
import select
import socket
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final, cast

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi, PGDialect_asyncpg
from sqlalchemy.util import await_

from app.core.pipeline import silent

DRIVER: Final = "postgresql+luminous"
BEGIN: Final = "BEGIN;"
BEGIN_SECONDS = 20.0  # that waits for nobody's lock: a Postgres that takes longer is frozen
# Asked after 15 quiet seconds, it has as many to answer; what is sent must arrive in 30.
SILENCE: Final = {
    getattr(socket, name): value
    for name, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 30_000),
    )
    if hasattr(socket, name)  # other systems have other limits
}

DriverError = AsyncAdapt_asyncpg_dbapi.Error
"""What SQLAlchemy makes of asyncpg's errors, before it makes its own of that."""

# The SQL that goes with the BEGIN of the transaction which is begun now; empty: nothing does.
opening: ContextVar[str] = ContextVar("opening", default="")


class OpeningConnection(asyncpg.Connection):  # type: ignore[misc]
    """Sends what opens a transaction along with its BEGIN, which is asyncpg's own statement.

    `known` are the statements that it was told by a `Pipeline`.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.known: set[bytes] = set()
        self._unread = select.poll()
        file = self._transport.get_extra_info("socket").fileno()
        self._unread.register(file, select.POLLIN)
        _give_up_silence(file)

    @property
    def is_quiet(self) -> bool:
        """Whether it is open, and Postgres has sent nothing that nobody asked for.

        What can be read then is the end, or what is said before it.
        """
        return not (self.is_closed() or self._unread.poll(0))

    async def execute(
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - it is asyncpg's
    ) -> str:
        if query != BEGIN:
            return cast("str", await super().execute(query, *args, timeout=timeout))
        begin = f"{BEGIN} {opening.get()}"
        try:
            return cast("str", await super().execute(begin, timeout=BEGIN_SECONDS))
        except TimeoutError as error:
            raise silent() from error


async def connect(*, settings: Mapping[str, str], **told: Any) -> OpeningConnection:
    """A connection with these settings; a socket that is gone is a refused one.

    They are made once it is there: PgBouncer refuses one that begins with a `role`, or, told to
    ignore that, leaves it to the owner of the tables.
    """
    try:
        connection: OpeningConnection = await asyncpg.connect(
            connection_class=OpeningConnection, **told
        )
        await _settle(connection, settings, told["timeout"])
    except FileNotFoundError as error:
        raise ConnectionRefusedError(*error.args) from error
    except TimeoutError as error:
        raise silent() from error
    return connection


async def _settle(
    connection: OpeningConnection, settings: Mapping[str, str], seconds: float
) -> None:
    made = ", ".join(f"set_config('{name}', '{it}', false)" for name, it in settings.items())
    try:
        await connection.execute(f"select {made}", timeout=seconds)
    except BaseException:
        connection.terminate()
        raise


class OpeningDialect(PGDialect_asyncpg):
    """Begins a transaction that has an opening at once, not with its first statement.

    So a connection that Postgres has closed since shows there, before anything was done.
    """

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        if opening.get():
            begin(dbapi_connection)


def _give_up_silence(file: int) -> None:
    """Let a connection whose other end is gone without a word end: Linux waits 15 minutes."""
    with socket.socket(fileno=os.dup(file)) as same:
        if same.family == socket.AF_UNIX:
            return
        same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in SILENCE.items():
            same.setsockopt(socket.IPPROTO_TCP, option, value)


def begin(dbapi_connection: PoolProxiedConnection) -> None:
    """Begin a transaction with its opening; where SQLAlchemy's own code runs."""
    adapted: Any = dbapi_connection.dbapi_connection
    try:
        await_(adapted._start_transaction())  # noqa: SLF001 - there is no other way to it
    except Exception:
        # It may have begun a transaction that nobody would end.
        adapted.driver_connection.terminate()
        raise


registry.register(DRIVER.replace("+", "."), __name__, OpeningDialect.__name__)
