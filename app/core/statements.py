"""Statements that are made once, and carried out by asyncpg itself.

What SQLAlchemy does around a statement takes several times as long as asyncpg needs for it. Where
every run, every step and every event passes, a crud makes a `Statement` of SQLAlchemy's expressions
once, and carries it out by a `Quick`: in the transaction of a session (`within`), or in one of its
own (`Database.quick`). What only writes goes in one message (`Database.carry_out`, and what
`storing` keeps for the end of a session). Errors are those that a session raises.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, cast

import orjson
from sqlalchemy import Executable, PoolProxiedConnection, Table, bindparam
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.sql.compiler import SQLCompiler

from app.core.db_driver import BEGIN, OpeningDialect
from app.core.pipeline import Call, Pipeline

COMMIT: Final = "COMMIT;"
ROLLBACK: Final = "ROLLBACK;"
# In the `info` of a session: its transaction, and the Quick in it.
_QUICK: Final = "luminous_quick"

Row = Any
"""What asyncpg gives: values by name, and by position."""


def as_json(value: Any) -> str:
    """A value as JSONB takes it."""
    return orjson.dumps(value, default=str).decode()


_DIALECT: Final = OpeningDialect(json_serializer=as_json)  # type: ignore[no-untyped-call]


class Statement:
    """SQL with named parameters; it is put together when it is first carried out.

    It has no lists of values (`in_`): for each length they would be other SQL.
    """

    def __init__(self, expression: Executable) -> None:
        self._expression = expression

    @cached_property
    def _compiled(self) -> SQLCompiler:
        compiled = self._expression.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        return cast("SQLCompiler", compiled)

    @cached_property
    def sql(self) -> str:
        """As asyncpg takes it, with `$1` for the first of `arguments`."""
        return str(self._compiled)

    @cached_property
    def _parameters(self) -> list[tuple[str, Any, Any]]:
        """Of each argument its name, the value that the expression has, and what converts it."""
        compiled = self._compiled
        return [
            (
                name,
                compiled.params[name],
                compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT),
            )
            for name in compiled.positiontup or ()
        ]

    @cached_property
    def _name(self) -> bytes:
        return b"luminous_" + sha256(self.sql.encode()).hexdigest()[:32].encode()

    def call(self, values: Mapping[str, Any]) -> Call:
        """As it stands in a message of several."""
        return Call(self._name, self.sql, self.arguments(values))

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in their order; None is null, also where a column has JSON."""
        found = []
        for name, fixed, convert in self._parameters:
            value = values.get(name, fixed)
            found.append(value if convert is None or value is None else convert(value))
        return found


def insertion(table: Table) -> Insert:
    """Stores one row, with a value for each of its columns."""
    return insert(table).values({name: bindparam(name) for name in table.c.keys()})  # noqa: SIM118


class Quick:
    """A connection in a transaction, as asyncpg has it."""

    __slots__ = ("_adapted", "_driver")

    def __init__(self, adapted: Any) -> None:
        self._adapted = adapted
        self._driver = adapted.driver_connection

    async def rows(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        """What a query finds, or a change returns."""
        try:
            found: Sequence[Row] = await self._driver.fetch(
                statement.sql, *statement.arguments(values)
            )
        except Exception as error:  # noqa: BLE001 - all that asyncpg raises
            self._raise(error, statement.sql)
        return found

    async def value(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        """The first column of the first row; None where there is none."""
        found = await self.rows(statement, values)
        return found[0][0] if found else None

    async def do(self, statement: Statement, values: Mapping[str, Any]) -> None:
        await self.rows(statement, values)

    async def together(self, calls: Sequence[Call]) -> list[int]:
        """Carry these out in one message; how many rows each has found or changed.

        Where no transaction was begun they are one.
        """
        pipeline = Pipeline(self._driver)
        try:
            await pipeline.carry_out(calls, self._driver.known)
        except Exception as error:  # noqa: BLE001 - all that asyncpg raises
            failed = calls[min(len(pipeline.done), len(calls) - 1)]
            self._raise(error, failed.sql)
        return pipeline.done

    async def say(self, sql: str) -> None:
        """Begin, commit or roll back."""
        try:
            await self._driver.execute(sql)
        except Exception as error:  # noqa: BLE001 - all that asyncpg raises
            self._raise(error, sql)

    @property
    def is_closed(self) -> bool:
        closed: bool = self._driver.is_closed()
        return closed

    def _raise(self, error: Exception, sql: str) -> None:
        """Raise what a session would; a mistake of ours is raised as it is."""
        dbapi = self._adapted.dbapi
        try:
            self._adapted._handle_exception(error)  # noqa: SLF001 - there is no other way to it
        except dbapi.Error as known:
            raise DBAPIError.instance(
                sql,
                None,
                known,
                dbapi.Error,
                hide_parameters=True,
                connection_invalidated=self.is_closed,
                dialect=_DIALECT,
            ) from error


async def flush(session: AsyncSession) -> None:
    """Write what the session was given; one that was given nothing is left alone."""
    if not session.sync_session._is_clean():  # noqa: SLF001 - the ways around it take long
        await session.flush()


async def within(session: AsyncSession) -> Quick:
    """The transaction of a session, which writes first what it has been given by then."""
    await flush(session)
    known: tuple[object, Quick] | None = session.info.get(_QUICK)
    if known is None or known[0] is not session.sync_session.get_transaction():
        pooled = await (await session.connection()).get_raw_connection()
        known = session.sync_session.get_transaction(), Quick(pooled.dbapi_connection)
        session.info[_QUICK] = known
    return known[1]


@asynccontextmanager
async def quick_unit(engine: AsyncEngine, opening: str, tries: int) -> AsyncIterator[Quick]:
    """A transaction that begins with `opening`: committed at the end, rolled back on any error.

    A connection that Postgres has closed since it was last used is let go for another, `tries`
    times at most.
    """
    pooled, quick = await _begun(engine, opening, tries)
    try:
        yield quick
        await quick.say(COMMIT)
    except BaseException:
        await _give_back(pooled, quick)
        raise
    pooled.close()


async def in_one(engine: AsyncEngine, calls: Sequence[Call]) -> list[int]:
    """A transaction of these alone; how many rows each has found or changed."""
    pooled = await _taken(engine)
    quick = Quick(pooled.dbapi_connection)
    try:
        return await quick.together(calls)
    finally:
        if quick.is_closed:
            pooled.invalidate()
        else:
            pooled.close()


async def _taken(engine: AsyncEngine) -> PoolProxiedConnection:
    """A connection; a socket that is gone is a refused one."""
    try:
        return await engine.raw_connection()
    except FileNotFoundError as error:
        raise ConnectionRefusedError(*error.args) from error


async def _give_back(pooled: PoolProxiedConnection, quick: Quick) -> None:
    """Roll back; a connection that will not is closed."""
    try:
        await quick.say(ROLLBACK)
    except BaseException as error:
        pooled.invalidate()
        if not isinstance(error, Exception):
            raise
    else:
        pooled.close()


async def _begun(
    engine: AsyncEngine, opening: str, tries: int
) -> tuple[PoolProxiedConnection, Quick]:
    while True:
        pooled = await _taken(engine)
        quick = Quick(pooled.dbapi_connection)
        tries -= 1
        try:
            await quick.say(f"{BEGIN} {opening}")
        except BaseException as error:
            # It may have begun a transaction that nobody would end.
            pooled.invalidate()
            lost = isinstance(error, DBAPIError) and error.connection_invalidated
            if not lost or tries <= 0:
                raise
        else:
            return pooled, quick
