"""Moving stored values to the active master key, while the service runs.

The columns are found by their declarations (`secret(sealed_as=…)`). A batch locks its rows, so a
write at the same moment is not lost, and commits; cut off anywhere, the next call goes on.
"""

import asyncio
import string
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Column,
    MetaData,
    RowMapping,
    Table,
    bindparam,
    case,
    func,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import Note, note
from app.core.crypto.errors import UnreadableSecret
from app.core.crypto.vault import HEADER_BYTES, WITH_ID, WITHOUT_ID, Vault, header_of
from app.core.data import declared
from app.core.db import SYSTEM, Database
from app.core.jobs import Job
from app.core.log import get_logger

log = get_logger(__name__)

BATCH = 100
PATIENCE_SECONDS = 90.0  # longer than Postgres lets a transaction of ours hold a row
_PAUSE_SECONDS = 0.2
_NAME = "resealing"


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values, and the context of each by the columns of its row."""

    column: Column[Any]
    context: str

    @property
    def table(self) -> Table:
        found = self.column.table
        assert isinstance(found, Table)  # noqa: S101 - for the type checker
        return found

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column.name}"

    @property
    def context_columns(self) -> list[Column[Any]]:
        names = {name for _, name, _, _ in string.Formatter().parse(self.context) if name}
        return [self.table.c[name] for name in sorted(names)]


def sealed_columns(metadata: MetaData) -> list[SealedColumn]:
    """Every column that declares its values as sealed."""
    return [
        SealedColumn(column, found.sealed_as)
        for table in metadata.sorted_tables
        for column in table.columns
        if (found := declared(column.info)) and found.sealed_as
    ]


async def census(database: Database, columns: Sequence[SealedColumn]) -> Counter[bytes]:
    """How many values begin with each header: `02` and a key id, or `01` (any key may open it)."""
    counted: Counter[bytes] = Counter()
    for sealed in columns:
        column = sealed.column
        header = case(
            (func.substr(column, 1, 1) == WITH_ID, func.substr(column, 1, HEADER_BYTES)),
            else_=func.substr(column, 1, len(WITHOUT_ID)),
        ).label("header")
        async with database.unit(SYSTEM) as session:
            found = await session.execute(
                select(header, func.count()).where(column.is_not(None)).group_by(header)
            )
            counted.update({bytes(begin): number for begin, number in found})
    return counted


@dataclass(slots=True)
class Outcome:
    """What became of the values that another key than the active one sealed."""

    resealed: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    locked: Counter[str] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        return not self.unreadable and not self.locked


async def reseal(
    database: Database,
    vault: Vault,
    columns: Sequence[SealedColumn],
    *,
    told: Callable[[str, int], None] = lambda _name, _count: None,
) -> Outcome:
    """Seal every value with the active key; `told` hears of each batch, the trail of the whole."""
    outcome = Outcome()
    for column in columns:
        await _Pass(database, vault, column, outcome, told).until_done()
    if outcome.resealed or not outcome.complete:
        async with database.unit(SYSTEM) as session:
            active, *former = (key.id.hex() for key in vault.keys.all)
            detail = {
                "former": former,
                "resealed": outcome.resealed,
                "unreadable": dict(outcome.unreadable),
                "locked": dict(outcome.locked),
            }
            note(session, Note("master_key.rotated", "master_key", active, detail=detail))
    return outcome


@dataclass(slots=True)
class _Pass:
    """One column on its way to the active key."""

    database: Database
    vault: Vault
    sealed: SealedColumn
    outcome: Outcome
    told: Callable[[str, int], None]
    unreadable: set[tuple[Any, ...]] = field(default_factory=set)

    async def until_done(self) -> None:
        """Go through the rows again until only unreadable ones are left of another key."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            done = await self._walk()
            locked = await self._left() - len(self.unreadable)
            if locked <= 0:
                break
            if done:
                deadline = time.monotonic() + PATIENCE_SECONDS
            elif time.monotonic() > deadline:
                self.outcome.locked[self.sealed.name] = locked
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        if self.unreadable:
            self.outcome.unreadable[self.sealed.name] = len(self.unreadable)

    async def _walk(self) -> int:
        """One time through the table, in the order of its key; returns how many were resealed."""
        after: tuple[Any, ...] | None = None
        done = 0
        while True:
            async with self.database.unit(SYSTEM) as session:
                rows = await self._take(session, after)
                changes = [change for row in rows if (change := self._reseal(row))]
                await self._write(session, changes)
            if changes:
                done += len(changes)
                self.outcome.resealed += len(changes)
                self.told(self.sealed.name, len(changes))
            if len(rows) < BATCH:
                return done
            after = self._key_of(rows[-1])

    async def _take(
        self, session: AsyncSession, after: tuple[Any, ...] | None
    ) -> Sequence[RowMapping]:
        """Rows that another key sealed, locked; those that are locked already come next time."""
        key = self.sealed.table.primary_key.columns
        query = (
            select(*key, *self.sealed.context_columns, self.sealed.column)
            .where(self._of_another_key())
            .order_by(*key)
            .limit(BATCH)
            .with_for_update(skip_locked=True, key_share=True)
        )
        if after is not None:
            query = query.where(tuple_(*key) > tuple_(*after))
        return (await session.execute(query)).mappings().all()

    def _reseal(self, row: RowMapping) -> dict[str, Any] | None:
        context = self.sealed.context.format_map(dict(row))
        key = self._key_of(row)
        try:
            opened = self.vault.open(row[self.sealed.column.name], context=context)
        except UnreadableSecret:
            self.unreadable.add(key)
            return None
        self.unreadable.discard(key)
        new = self.vault.seal(opened, context=context)
        return {"new_value": new, **{f"key_{n}": part for n, part in enumerate(key)}}

    async def _write(self, session: AsyncSession, changes: list[dict[str, Any]]) -> None:
        """Neither the versions nor the times of the rows change: for clients, nothing did."""
        if not changes:
            return
        table, column = self.sealed.table, self.sealed.column
        await session.execute(text("select set_config('luminous.resealing', 'on', true)"))
        statement = update(table).where(
            *(part == bindparam(f"key_{n}") for n, part in enumerate(table.primary_key.columns))
        )
        values: dict[str, Any] = {column.name: bindparam("new_value")}
        if "updated_at" in table.c:
            values["updated_at"] = table.c.updated_at
        connection = await session.connection()
        await connection.execute(statement.values(values), changes)

    async def _left(self) -> int:
        async with self.database.unit(SYSTEM) as session:
            return (
                await session.scalar(
                    select(func.count())
                    .select_from(self.sealed.table)
                    .where(self._of_another_key())
                )
                or 0
            )

    def _of_another_key(self) -> Any:
        header = header_of(self.vault.keys.active)
        column = self.sealed.column
        return column.is_not(None) & (func.substr(column, 1, HEADER_BYTES) != header)

    def _key_of(self, row: RowMapping) -> tuple[Any, ...]:
        return tuple(row[part.name] for part in self.sealed.table.primary_key.columns)


def resealing(database: Database, vault: Vault, metadata: MetaData) -> Job:
    """The job that ends a rotation which was begun: with one key alone there is none."""
    columns = sealed_columns(metadata)

    async def run() -> None:
        if len(vault.keys.all) > 1:
            outcome = await reseal(database, vault, columns)
            if outcome.resealed or not outcome.complete:
                log.info(
                    "values_resealed",
                    count=outcome.resealed,
                    unreadable=dict(outcome.unreadable),
                    locked=dict(outcome.locked),
                )

    return Job(_NAME, timedelta(hours=1), run)
