"""What a unit of work writes without the ORM, and what of it waits for the unit's end.

A unit that is `late` (`Database.unit`) has not begun in Postgres until something is asked there.
What it was to write by then waits (`later`); where nothing is asked at all, its whole transaction
is one message. Else it is sent before the first thing that is asked, which so finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Column, Connection, Table, event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapper,
    Session,
    SessionTransaction,
    make_transient_to_detached,
)
from sqlalchemy.util import await_

from app.core.db_driver import BEGIN, DriverError, begin, opening
from app.core.pipeline import Call
from app.core.statements import Quick, Statement, as_raised, flush, insertion, within

_Row = TypeVar("_Row", bound=DeclarativeBase)
# In the `info` of a session: what waits for the unit to begin, as long as it has not.
_WAITING: Final = "luminous_waiting"
# In the `info` of a session: the rows that were stored by `store`, for the audit trail.
STORED: Final = "luminous_stored"


@dataclass(slots=True)
class Waiting:
    """What a transaction that has not begun is to begin with, and what it is to write."""

    opening: str
    calls: list[Call] = field(default_factory=list)


def wait(session: AsyncSession, opening: str) -> None:
    """Have what the session's unit writes wait until something is asked."""
    session.info[_WAITING] = Waiting(opening)


async def waited(session: AsyncSession) -> list[Call] | None:
    """What waits for the end of the session's unit; None where the unit has begun."""
    if _WAITING in session.info:
        await flush(session)
    waiting: Waiting | None = session.info.pop(_WAITING, None)
    return None if waiting is None else waiting.calls


async def later(session: AsyncSession, statement: Statement, values: Mapping[str, Any]) -> None:
    """Carry this out in the session's unit, at its end if nothing is asked before.

    In a savepoint it is carried out at once, and so taken back with it.
    """
    await flush(session)
    waiting: Waiting | None = session.info.get(_WAITING)
    if waiting is None or session.in_nested_transaction():
        await (await within(session)).do(statement, values)
    else:
        waiting.calls.append(statement.call(values))


def new_row(kind: type[_Row], /, **values: Any) -> _Row:
    """A new row with these values by the names of its attributes; nobody is told that each is set.

    To tell the ORM of twenty of them takes longer than to store the row.
    """
    row = kind()
    row.__dict__.update(values)
    return row


async def store(session: AsyncSession, row: DeclarativeBase) -> None:
    """Store a new row without the unit of work, which takes longer over one than Postgres does.

    What was not set has the column's default, or is null. From then on the session has the row, as
    if it had been flushed.
    """
    mapper = inspect(type(row))
    given, values = row.__dict__, {}
    for name, column in _columns_of(mapper):
        if name not in given:
            given[name] = _default_of(column)
        values[column.key] = given[name]
    await later(session, _insertion_into(mapper), values)
    make_transient_to_detached(row)
    session.add(row)
    session.info.setdefault(STORED, []).append(row)


def let_go(session: AsyncSession) -> None:
    """Leave the rows that were stored as they are, whatever becomes of the transaction."""
    for row in session.info.get(STORED, ()):
        session.expunge(row)


class UnitSession(Session):
    """A session of a unit, which may begin late."""


@event.listens_for(UnitSession, "after_begin")
def _catch_up(session: Session, _: SessionTransaction, connection: Connection) -> None:
    """Begin the unit, and write what waits: SQLAlchemy's own code is about to ask something."""
    waiting: Waiting | None = session.info.pop(_WAITING, None)
    if waiting is None:
        return
    before = opening.set(waiting.opening)
    try:
        begin(connection.connection)
    except DriverError as error:
        raise as_raised(error, BEGIN, lost=True) from error
    finally:
        opening.reset(before)
    if waiting.calls:
        await_(Quick(connection.connection.dbapi_connection).together(waiting.calls))


@cache
def _columns_of(mapper: Mapper[Any]) -> list[tuple[str, Column[Any]]]:
    columns = [(each.key, each.columns[0]) for each in mapper.column_attrs]
    return [(name, column) for name, column in columns if isinstance(column, Column)]


@cache
def _insertion_into(mapper: Mapper[Any]) -> Statement:
    return Statement(insertion(cast("Table", mapper.local_table)))


def _default_of(column: Column[Any]) -> Any:
    default: Any = column.default
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg
