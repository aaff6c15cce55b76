"""Asks connected databases: questions, what tables there are, and whether all is well."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]

from app.agents.databases import checking
from app.agents.databases.connecting import Connection, Connector, address_of
from app.agents.databases.errors import DatabaseFailed, QueryFailed, QueryRefused
from app.agents.databases.models import ConnectedDatabase
from app.core.crypto import Vault
from app.core.errors import AppError

LONGEST_SQL: Final = 20_000
MOST_TABLES: Final = 200
_MOST_ROW_CHARACTERS: Final = 20_000
# Of a whole number of 64 bits, with its sign.
_MOST_DIGITS: Final = 20
_DESCRIBED: Final = """
select n.nspname as schema, c.relname as name, c.relkind::text as kind,
  pg_catalog.obj_description(c.oid, 'pg_class') as comment,
  greatest(c.reltuples, 0)::bigint as rows,
  (select pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
      'nullable', not a.attnotnull, 'comment', pg_catalog.col_description(c.oid, a.attnum),
      'key', exists(select 1 from pg_catalog.pg_index i
        where i.indrelid = c.oid and i.indisprimary and a.attnum = any(i.indkey))
    ) order by a.attnum)::text
   from pg_catalog.pg_attribute a
   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = any($1::text[])
  and ($2::text[] is null or n.nspname || '.' || c.relname = any($2::text[]))
  and ($3::text is null or c.relname = $3 or n.nspname || '.' || c.relname = $3)
  and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  and pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
order by 1, 2 limit $4
"""
_RIGHTS: Final = """
select r.rolsuper, r.rolcreaterole or r.rolcreatedb or r.rolbypassrls as manages,
  (select count(*) from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$)'
      and (pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
        or pg_catalog.has_any_column_privilege(c.oid, 'INSERT, UPDATE'))) as writable
from pg_catalog.pg_roles r where r.rolname = current_user
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """`lines` are rows as the server wrote them, JSON objects; a long one is cut off.

    `more` says that there are more rows than may be given.
    """

    lines: list[str]
    more: bool

    def rows(self) -> list[Any]:
        """Each row as an object, or as text where it was cut off."""
        return [_row(line) for line in self.lines]


@dataclass(frozen=True, slots=True)
class Table:
    """A table or a view; `rows` is the server's own estimate."""

    schema: str
    name: str
    kind: str
    comment: str | None
    rows: int
    columns: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of connecting to a database."""

    latency_ms: int
    tables: int
    warnings: tuple[str, ...]
    failure: AppError | None


class Reading:
    """One a process."""

    def __init__(self, vault: Vault, connector: Connector) -> None:
        self._vault = vault
        self._connector = connector

    async def query(self, database: ConnectedDatabase, sql: str, beyond: int = 0) -> Answer:
        """At most as many rows as the database's own setting says, and so many beyond it.

        Raises QueryRefused, DatabaseUnusable, AddressRefused and DatabaseFailed.
        """
        if len(sql) > LONGEST_SQL:
            raise QueryRefused(f"A query has at most {LONGEST_SQL} characters.")
        most = database.max_rows + beyond
        asked = checking.wrapped(sql, most + 1, _MOST_ROW_CHARACTERS)
        async with self._open(database) as connection:
            await checking.check(connection, sql, database.schemas, database.tables)
            found = await connection.fetch(asked)
        return Answer([row[0] for row in found[:most]], more=len(found) > most)

    async def describe(self, database: ConnectedDatabase, table: str | None = None) -> list[Table]:
        """What may be read, at most 200 of it; raises what `query` does."""
        async with self._open(database) as connection:
            return await _tables(connection, database, table)

    async def try_out(self, database: ConnectedDatabase) -> Trial:
        began = time.perf_counter()
        failure: AppError | None = None
        tables = 0
        warnings: tuple[str, ...] = ()
        try:
            async with self._open(database) as connection:
                tables = len(await _tables(connection, database, None))
                rights = await connection.fetchrow(_RIGHTS)
                warnings = _warned(rights, writable=database.writable)
        except AppError as error:
            failure = error
        return Trial(round((time.perf_counter() - began) * 1000), tables, warnings, failure)

    @asynccontextmanager
    async def _open(self, database: ConnectedDatabase) -> AsyncIterator[Connection]:
        address = address_of(self._vault, database)
        try:
            async with self._connector.reading(
                address, list(database.schemas), database.timeout_seconds
            ) as connection:
                yield connection
        except asyncpg.QueryCanceledError:
            raise DatabaseFailed(
                f"The query took more than {database.timeout_seconds} seconds."
            ) from None
        except asyncpg.PostgresError as error:
            # What a query's author must know to write a better one.
            raise QueryFailed(_said(error)) from None


async def _tables(
    connection: Connection, database: ConnectedDatabase, table: str | None
) -> list[Table]:
    found = await connection.fetch(
        _DESCRIBED, database.schemas, database.tables, table, MOST_TABLES
    )
    return [
        Table(
            row["schema"],
            row["name"],
            "view" if row["kind"] in ("v", "m") else "table",
            row["comment"],
            row["rows"],
            json.loads(row["columns"] or "[]"),
        )
        for row in found
    ]


def _warned(rights: asyncpg.Record | None, *, writable: bool) -> tuple[str, ...]:
    """What the role may do beside reading: all that holds it then is the read-only transaction.

    Of a database that is `writable`, whether the role may write at all.
    """
    if rights is None:
        return ()
    said = []
    if rights["rolsuper"]:
        said.append("The role is a superuser: use one that may only read.")
    elif rights["manages"]:
        said.append("The role manages roles or databases, or bypasses row-level security.")
    if writable and not rights["writable"]:
        said.append("The database is `writable`, but the role may write to no table.")
    if rights["writable"] and not writable:
        said.append(f"The role may write to {rights['writable']} tables: use one that may not.")
    return tuple(said)


def _said(error: asyncpg.PostgresError) -> str:
    hint = f" ({error.hint})" if getattr(error, "hint", None) else ""
    return f"{error.message}{hint}"[:500]


def parsed(text: str) -> Any:
    """What the server wrote as JSON; raises ValueError where it was cut off.

    A whole number of more than 64 bits is the text of it: no JSON of ours could hold it.
    """
    return json.loads(text, parse_int=_whole)


def _whole(digits: str) -> int | str:
    if len(digits) > _MOST_DIGITS:
        return digits
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else digits


def _row(line: str) -> Any:
    try:
        return parsed(line)
    except ValueError:
        return line
