"""The sync engine (pg8000) of migrations and scripts."""

import ssl
from typing import Any, Final

from sqlalchemy import Engine, NullPool, create_engine

from app.core.database_url import parse_database_url

_WRITES: Final = (
    "select not pg_is_in_recovery() and not current_setting('transaction_read_only')::bool"
)


def sync_engine(url: str) -> Engine:
    """An engine connected as the URL's own role.

    To connect has a limit; what is asked then has none: an index of a large table takes minutes.
    """
    from pg8000 import dbapi  # type: ignore[import-untyped]  # noqa: PLC0415 - no service needs it

    parsed = parse_database_url(url)

    def connect() -> Any:
        """To the first host that answers, and that may be written to where the URL demands it."""
        failure: Exception = dbapi.InterfaceError("no host of it takes writes")
        for told in parsed.for_pg8000():
            try:
                connection = dbapi.connect(**told)
            except (dbapi.InterfaceError, ssl.SSLError) as error:
                failure = error
                continue
            connection._usock.settimeout(None)  # noqa: SLF001 - pg8000 has one limit for both
            if parsed.session == "any" or _may_write(connection):
                return connection
            connection.close()
        if isinstance(failure, ssl.SSLError):
            raise dbapi.InterfaceError(f"TLS failed: {failure}") from failure
        raise failure

    return create_engine("postgresql+pg8000://", creator=connect, poolclass=NullPool)


def _may_write(connection: Any) -> bool:
    cursor = connection.cursor()
    cursor.execute(_WRITES)
    [[answer]] = cursor.fetchall()
    connection.rollback()
    return bool(answer)
