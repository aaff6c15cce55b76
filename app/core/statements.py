"""Statements that are made once, and carried out by asyncpg itself.

What SQLAlchemy does around a statement takes several times as long as asyncpg needs for it. Where
every run, every step and every event passes, a crud makes a `Statement` of SQLAlchemy's expressions
once, and carries it out by a `Quick` in the transaction of a session (`within`). A transaction that
only writes is one message (`Database.carry_out`, and what `storing` keeps for a session's end), and
so is one that asks one thing alone (`Database.ask`). Errors are those that a session raises.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, cast
from uuid import UUID

import orjson
from sqlalchemy import (
    Executable,
    PoolProxiedConnection,
    Select,
    SelectBase,
    Table,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util.queue import Empty

from app.core.db_driver import DriverError, OpeningDialect
from app.core.pipeline import Call, Pipeline

# In the `info` of a session: its transaction, and the Quick in it.
_QUICK: Final = "luminous_quick"
_DIVISION_BY_ZERO: Final = "22012"

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
    def _columns(self) -> list[tuple[str, Callable[[bytes], Any]]]:
        """Of each column of a query its name, and what reads its values."""
        columns = cast("SelectBase", self._expression).exported_columns
        return [(str(each.key), _READ[each.type.python_type]) for each in columns]

    @cached_property
    def _name(self) -> bytes:
        return b"luminous_" + sha256(self.sql.encode()).hexdigest()[:32].encode()

    def call(self, values: Mapping[str, Any]) -> Call:
        """As it stands in a message of several."""
        return Call(self._name, self.sql, self.arguments(values))

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in their order; None is null, also where a column has JSON."""
        return [
            value
            if (value := values.get(name, fixed)) is None or convert is None
            else convert(value)
            for name, fixed, convert in self._parameters
        ]

    def read(self, row: Sequence[bytes | None]) -> dict[str, Any]:
        """A row of this query by the names of its columns."""
        return {
            name: None if value is None else read(value)
            for (name, read), value in zip(self._columns, row, strict=True)
        }


# How Postgres writes what `Database.ask` can read.
_READ: Final[dict[type, Callable[[bytes], Any]]] = {
    UUID: lambda value: UUID(value.decode()),
    str: bytes.decode,
    bool: lambda value: value == b"t",
    int: int,
    object: orjson.loads,  # JSON
}


def insertion(table: Table) -> Insert:
    """Stores one row, with a value for each of its columns."""
    return insert(table).values({name: bindparam(name) for name in table.c.keys()})  # noqa: SIM118


class Required(Statement):
    """A query that must find something: else it fails, and with it the message that it is part of.

    In one message nobody can look at an answer and stop, but a division by none can.
    """

    def __init__(self, query: Select[Any]) -> None:
        super().__init__(select(1 / func.count()).select_from(query.subquery()))

    def has_failed(self, error: Exception) -> bool:
        """Whether this is what a transaction failed by."""
        if not isinstance(error, DBAPIError) or error.statement != self.sql:
            return False
        return getattr(error.orig, "sqlstate", None) == _DIVISION_BY_ZERO


class Quick:
    """A connection as asyncpg has it."""

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

    async def together(self, calls: Sequence[Call]) -> Pipeline:
        """Carry these out in one message. Where no transaction was begun they are one."""
        pipeline = Pipeline(self._driver)
        try:
            await pipeline.carry_out(calls, self._driver.known)
        except Exception as error:  # noqa: BLE001 - all that asyncpg raises
            failed = calls[min(len(pipeline.done), len(calls) - 1)]
            self._raise(error, failed.sql)
        return pipeline

    @property
    def is_closed(self) -> bool:
        closed: bool = self._driver.is_closed()
        return closed

    def _raise(self, error: Exception, sql: str) -> None:
        """Raise what a session would; a mistake of ours is raised as it is."""
        try:
            self._adapted._handle_exception(error)  # noqa: SLF001 - there is no other way to it
        except DriverError as known:
            raise as_raised(known, sql, lost=self.is_closed) from error


def as_raised(known: DriverError, sql: str, *, lost: bool) -> BaseException:
    """An error of the driver as a session raises it; `lost` is the connection."""
    return DBAPIError.instance(
        sql,
        None,
        known,
        DriverError,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=_DIALECT,
    )


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


async def in_one(engine: AsyncEngine, calls: Sequence[Call]) -> Pipeline:
    """A transaction of these alone."""
    pool: Any = engine.sync_engine.pool
    idle = _idle(pool)
    pooled = await _taken(engine) if idle is None else idle
    quick = Quick(pooled.dbapi_connection)
    try:
        return await quick.together(calls)
    finally:
        if quick.is_closed:
            pooled.invalidate()
        if idle is not None:
            pool._return_conn(idle)  # noqa: SLF001
        elif not quick.is_closed:
            pooled.close()


def _idle(pool: Any) -> Any | None:
    """The place in the pool of a connection that lies there ready; None where none does.

    SQLAlchemy takes one in a greenlet, with what watches over it: that costs as much as to ask.
    """
    try:
        place = pool._pool.get_nowait()  # noqa: SLF001 - there is no other way to it
    except Empty:
        return None
    if not place._is_hard_or_soft_invalidated() and place.driver_connection.is_quiet:  # noqa: SLF001
        return place
    pool._return_conn(place)  # noqa: SLF001
    return None


async def _taken(engine: AsyncEngine) -> PoolProxiedConnection:
    try:
        return await engine.raw_connection()
    except DriverError as error:
        raise as_raised(error, "", lost=False) from error
