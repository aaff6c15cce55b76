"""Postgres: one declarative base, and scoped async units of work.

Row-level security is the second wall around a workspace. A transaction says whom it serves
(`Scope`), and Postgres shows it only the rows of that workspace; a query that forgot its filter
sees nothing else. The service connects as `luminous_app`, a role that owns no table and cannot
bypass the policies.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import (
    DateTime,
    FetchedValue,
    MetaData,
    QueuePool,
    Table,
    Text,
    event,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.core.clock import now
from app.core.database_url import parse_database_url
from app.core.db_driver import DRIVER, connect, opening
from app.core.ids import new_id
from app.core.pipeline import Call
from app.core.statements import Statement, as_json, in_one
from app.core.storing import UnitSession, let_go, wait, waited
from app.core.sync_engine import sync_engine

# Services name a session without importing SQLAlchemy.
__all__ = [
    "APP_ROLE",
    "NOBODY",
    "RESTORABLE",
    "SYSTEM",
    "AsyncSession",
    "Base",
    "Database",
    "Resource",
    "Row",
    "Scope",
    "apply_scope",
    "on_commit",
    "sync_engine",
    "table_of",
]

APP_ROLE = "luminous_app"
_ON_COMMIT = "luminous_on_commit"
# How long after its deletion a resource can be restored.
RESTORABLE = timedelta(days=30)


class Base(DeclarativeBase):
    """The one declarative base; constraint names are predictable so migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a plain class attribute
        datetime: DateTime(timezone=True),
        UUID: PG_UUID(as_uuid=True),
        str: Text,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class Row(Base):
    """A table with a UUIDv7 key and its times of creation and last change."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-10)
    created_at: Mapped[datetime] = mapped_column(
        default=now, server_default=func.now(), sort_order=90
    )
    updated_at: Mapped[datetime] = mapped_column(
        default=now, onupdate=now, server_default=func.now(), sort_order=91
    )


class Resource(Row):
    """A row that clients change: its `version` is its ETag.

    Postgres counts it up at each update, by a trigger that `migration_ops.count_versions` adds.
    """

    __abstract__ = True
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy reads it as it is

    version: Mapped[int] = mapped_column(
        server_default=text("1"), server_onupdate=FetchedValue(), sort_order=92
    )


def table_of(kind: type[Base]) -> Table:
    """The table of a model, for statements that are made once and bypass the ORM."""
    return Base.metadata.tables[kind.__tablename__]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a transaction may see: a workspace's, a user's own, or (`system`) everyone's."""

    workspace_id: UUID | None = None
    user_id: UUID | None = None
    system: bool = False


NOBODY = Scope()
SYSTEM = Scope(system=True)

_SET_SCOPE = (
    "select set_config('luminous.workspace_id', {workspace}, true), "
    "set_config('luminous.user_id', {user}, true), set_config('luminous.system', {system}, true)"
)
_CHANGE_SCOPE = text(_SET_SCOPE.format(workspace=":workspace", user=":user", system=":system"))
_BEGIN_SCOPE = Statement(_CHANGE_SCOPE)


async def _open(session: AsyncSession, scope: Scope) -> None:
    """Connect, if need be, and set the scope."""
    before = opening.set(_opening(scope))
    try:
        await session.connection()
    finally:
        opening.reset(before)


def _opening(scope: Scope) -> str:
    return _SET_SCOPE.format(**{name: f"'{value}'" for name, value in _named(scope).items()})


def _named(scope: Scope) -> dict[str, str]:
    """The scope as Postgres has it; raises AttributeError for an id that is none."""
    return {
        "workspace": scope.workspace_id.hex if scope.workspace_id else "",
        "user": scope.user_id.hex if scope.user_id else "",
        "system": "on" if scope.system else "off",
    }


class Database:
    """The pool of connections of one process.

    `before_commit` is what the rooms add to every transaction at its end (audit rows, say).
    """

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self._most, address = pool_size, parse_database_url(url).for_asyncpg()
        self.engine: AsyncEngine = create_async_engine(
            f"{DRIVER}://",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            hide_parameters=True,  # an error that is logged must not tell what was to be stored
            json_serializer=as_json,
            json_deserializer=orjson.loads,
            connect_args={
                **address,
                "async_creator_fn": connect,
                "settings": {
                    "role": APP_ROLE,
                    "idle_in_transaction_session_timeout": "60000",
                    "statement_timeout": "30000",
                },
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        self._sessions = async_sessionmaker(
            self.engine, sync_session_class=UnitSession, expire_on_commit=False
        )
        self.before_commit: list[Callable[[AsyncSession], Awaitable[None]]] = []

    @asynccontextmanager
    async def unit(
        self, scope: Scope, *, dry_run: bool = False, late: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """One unit of work: commits at the end, rolls back on any error, and after a dry run.

        One that is `late` begins when something is asked: see `storing`.
        """
        if late and not dry_run:
            session = self._sessions()
            wait(session, _opening(scope))
        else:
            session = await self._begin(scope)
        try:
            yield session
            if dry_run:
                let_go(session)
                await session.rollback()
                session.sync_session.close()
            else:
                for prepare in self.before_commit:
                    await prepare(session)
                await self._commit(session, scope)
        except BaseException:
            async with session:  # it is closed even when this is cancelled
                await session.rollback()
            raise
        if not dry_run:
            for act in session.info.pop(_ON_COMMIT, ()):
                act()

    async def _commit(self, session: AsyncSession, scope: Scope) -> None:
        calls = await waited(session)
        if calls is None:
            await session.commit()
            # Its connection has gone back with the transaction: nothing is left to wait for.
            session.sync_session.close()
        elif calls:
            await self.carry_out(scope, *calls)

    async def _begin(self, scope: Scope) -> AsyncSession:
        """A session in a transaction for `scope`, on a connection that has just answered.

        Setting the scope is the first statement, so a connection that Postgres has closed since
        shows there, before anything was done, and another is taken.
        """
        session = self._sessions()
        try:
            await _open(session, scope)
        except BaseException as error:
            await session.close()
            if not (isinstance(error, DBAPIError) and error.connection_invalidated):
                raise
            session = self._sessions()
            try:
                await _open(session, scope)
            except BaseException:
                await session.close()
                raise
        return session

    async def ask(
        self, scope: Scope, query: Statement, values: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """What a query alone finds, in one message: rows by the names of its columns.

        Where the connection turns out to be closed it is asked again on another: it only reads, or
        changes what is the same when it was changed before.
        """
        begin, tries = _BEGIN_SCOPE.call(_named(scope)), self._most + 1
        while True:
            tries -= 1
            try:
                answer = await in_one(self.engine, [begin, query.call(values)])
            except DBAPIError as error:
                if not error.connection_invalidated or tries <= 0:
                    raise
            else:
                return [query.read(row) for row in answer.rows]

    async def carry_out(self, scope: Scope, *calls: Call) -> list[int]:
        """A transaction of these alone, in one message; how many rows each has changed."""
        begin = _BEGIN_SCOPE.call(_named(scope))
        return (await in_one(self.engine, [begin, *calls])).done[1:]

    async def takes_writes(self) -> bool:
        """Whether Postgres would store something; a standby answers and would not.

        Nor would one that its provider has set to read only because the disk is full. Nothing is
        written to find out.
        """
        async with self.engine.connect() as connection:
            read_only: str | None = await connection.scalar(
                text("select current_setting('transaction_read_only')")
            )
        return read_only == "off"

    def connections(self) -> dict[str, int]:
        """How many connections this process uses, holds idle, and may have at most."""
        pool = cast("QueuePool", self.engine.pool)
        return {"in_use": pool.checkedout(), "idle": pool.checkedin(), "most": pool.size()}

    async def close(self) -> None:
        await self.engine.dispose()


def _refuse_closed(adapted: Any, _record: object, _pooled: object) -> None:
    """A connection that Postgres has closed since it was last used is let go for a new one."""
    if not adapted.driver_connection.is_quiet:
        raise DisconnectionError


async def apply_scope(session: AsyncSession, scope: Scope) -> None:
    """Name whose rows the rest of this transaction may see."""
    await session.execute(_CHANGE_SCOPE, _named(scope))


def on_commit(session: AsyncSession, act: Callable[[], object]) -> None:
    """Call `act` once this unit of work has committed, and never if it does not.

    SQLAlchemy's own `after_commit` is no help: it comes with the end of each savepoint, too.
    """
    session.info.setdefault(_ON_COMMIT, []).append(act)
