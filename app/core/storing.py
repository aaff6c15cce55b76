"""What a unit of work writes without the ORM, and what of it waits for the unit's end.

A unit that is `late` (`Database.unit`) has not begun in Postgres until something is asked there.
What it was to write by then waits (`later`); where nothing is asked at all, its whole transaction
is one message. Else it is sent before the first thing that is asked, which so finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Column, Connection, Table, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapper,
    Session,
    SessionTransaction,
)
from sqlalchemy.orm.attributes import instance_state, manager_of_class
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
    """What a transaction that has not begun is to begin with, and what it is to write.

    `rows` are those that the session has once it has begun.
    """

    opening: str
    calls: list[Call] = field(default_factory=list)
    rows: list[DeclarativeBase] = field(default_factory=list)


def wait(session: AsyncSession, opening: str) -> None:
    """Have what the session's unit writes wait until something is asked."""
    session.info[_WAITING] = Waiting(opening)


async def waited(session: AsyncSession) -> list[Call] | None:
    """What waits for the end of the session's unit; None where the unit has begun."""
    waiting = await _flush(session)
    if waiting is None:
        return None
    del session.sync_session.info[_WAITING]
    return waiting.calls


async def _flush(session: AsyncSession) -> Waiting | None:
    """Write what the session was given, and what has become since of the rows that wait.

    What waits then, as long as the unit has not begun.
    """
    waiting: Waiting | None = session.sync_session.info.get(_WAITING)
    if waiting is not None:
        for row in waiting.rows:
            if instance_state(row).modified:
                _take_in(session.sync_session, waiting)
                break
    await flush(session)
    return session.sync_session.info.get(_WAITING)


def _take_in(session: Session, waiting: Waiting) -> None:
    """Have the session know its rows; also where that is in the middle of a flush."""
    while waiting.rows:
        session.add(waiting.rows.pop(), _warn=False)


async def later(session: AsyncSession, statement: Statement, values: Mapping[str, Any]) -> None:
    """Carry this out in the session's unit, at its end if nothing is asked before.

    In a savepoint it is carried out at once, and so taken back with it.
    """
    waiting = await _flush(session)
    if waiting is None or session.sync_session.in_nested_transaction():
        await (await within(session)).do(statement, values)
    else:
        waiting.calls.append(statement.call(values))


def new_row(kind: type[_Row], /, **values: Any) -> _Row:
    """A new row with these values by the names of its attributes; nobody is told that each is set.

    To tell the ORM of twenty of them takes longer than to store the row.
    """
    row: _Row = manager_of_class(kind).new_instance()
    row.__dict__.update(values)
    return row


async def store(session: AsyncSession, row: DeclarativeBase) -> None:
    """Store a new row without the unit of work, which takes longer over one than Postgres does.

    What was not set has the column's default, or is null. From then on the session has the row, as
    if it had been flushed; that of a late unit has it once it has begun.
    """
    mapper, given, values = row.__mapper__, row.__dict__, {}
    for name, key, default in _columns_of(mapper):
        if name not in given:
            given[name] = None if default is None else _made(default)
        values[key] = given[name]
    await later(session, _insertion_into(mapper), values)
    _mark_stored(row, mapper)
    info = session.sync_session.info
    waiting: Waiting | None = info.get(_WAITING)
    if waiting is None:
        session.add(row)
    else:
        waiting.rows.append(row)
    info.setdefault(STORED, []).append(row)


def _mark_stored(row: DeclarativeBase, mapper: Mapper[Any]) -> None:
    """What `make_transient_to_detached` does; it looks for what is not loaded, and here all is."""
    state = instance_state(row)
    if state.modified:
        state._commit_all(state.dict)  # noqa: SLF001 - there is no other way to it
    state.key = mapper.identity_key_from_instance(row)


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
    _take_in(session, waiting)


@cache
def _columns_of(mapper: Mapper[Any]) -> list[tuple[str, str, Any]]:
    """Of each column the attribute's name, its own, and its default."""
    columns = [(each.key, each.columns[0]) for each in mapper.column_attrs]
    return [
        (name, column.key, column.default) for name, column in columns if isinstance(column, Column)
    ]


@cache
def _insertion_into(mapper: Mapper[Any]) -> Statement:
    return Statement(insertion(cast("Table", mapper.local_table)))


def _made(default: Any) -> Any:
    return default.arg(None) if default.is_callable else default.arg
