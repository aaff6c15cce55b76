"""asyncpg, with a transaction and whom it serves begun in one message to Postgres.

To SQLAlchemy's own dialect the scope of a transaction is a statement of its own: a second round
trip, and more work here than in Postgres, for every unit of work.
"""

import select
from contextvars import ContextVar
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi, PGDialect_asyncpg
from sqlalchemy.util import await_

DRIVER: Final = "postgresql+luminous"
BEGIN: Final = "BEGIN;"

DriverError = AsyncAdapt_asyncpg_dbapi.Error
"""What SQLAlchemy makes of asyncpg's errors, before it makes its own of that."""

# The SQL that goes with the BEGIN of the transaction which is begun now; empty: nothing does.
opening: ContextVar[str] = ContextVar("opening", default="")


class OpeningConnection(asyncpg.Connection):  # type: ignore[misc]
    """Sends what opens a transaction along with its BEGIN, which is asyncpg's own statement.

    `known` are the statements that it was told by a `Pipeline`; `unread` tells whether Postgres has
    sent what nobody has read.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.known: set[bytes] = set()
        self.unread = select.poll()
        self.unread.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)

    async def execute(
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - it is asyncpg's
    ) -> str:
        if query == BEGIN:
            query = f"{BEGIN} {opening.get()}"
        status: str = await super().execute(query, *args, timeout=timeout)
        return status


class OpeningDialect(PGDialect_asyncpg):
    """Begins a transaction that has an opening at once, not with its first statement.

    So a connection that Postgres has closed since shows there, before anything was done.
    """

    supports_statement_cache = True

    def connect(self, *args: Any, **more: Any) -> Any:
        """A connection; a socket that is gone is a refused one."""
        try:
            return super().connect(*args, **more)
        except FileNotFoundError as error:
            raise ConnectionRefusedError(*error.args) from error

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        if opening.get():
            begin(dbapi_connection)


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
