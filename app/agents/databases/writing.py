"""Writes rows into connected databases, by statements of our own; a row that is refused is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Literal

import asyncpg  # type: ignore[import-untyped]
import orjson

from app.agents.databases import targets
from app.agents.databases.connecting import Connection, Connector, address_of, said
from app.agents.databases.errors import (
    DatabaseBusy,
    DatabaseFailed,
    DatabaseReadOnly,
    KeyUnfit,
    WriteFailed,
)
from app.agents.databases.models import ConnectedDatabase
from app.agents.databases.targets import Target, quoted
from app.core.crypto import Vault

Mode = Literal["upsert", "insert"]
Numbered = tuple[int, Mapping[str, Any]]
MOST_SECONDS: Final = 90
_BATCH: Final = 200
# So few rows of a batch that failed are tried one by one; of more, each half.
_FEW: Final = 8
# By SQLSTATE: faults of a row are those of a class, and what functions and triggers raise.
_VALUES: Final = "22"
_CONSTRAINTS: Final = frozenset({"23", "44"})
_OTHERS: Final = frozenset({"54", "P0"})
_SAME_KEY_TWICE: Final = "21000"
_NOT_ALLOWED: Final = "42501"
_HELD: Final = frozenset({"40001", "40P01", "55P03"})
_AWAY: Final = frozenset({"08", "53", "57"})


@dataclass(frozen=True, slots=True)
class Load:
    """Rows with their numbers, and where they go.

    `key` tells rows apart, by default the table's primary key. By `upsert` a row takes the place
    of the one with its key, by `insert` that one stays as it is. Of a row only `columns` are
    written, by default all; what a row lacks has its default, or stays. With `whole`, a row that
    is refused leaves all of them out.
    """

    table: str
    rows: Sequence[Numbered]
    mode: Mode
    key: Sequence[str] = ()
    columns: Sequence[str] | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was left out, by its number."""

    index: int
    code: str
    message: str


@dataclass(slots=True)
class Written:
    """How many rows were written, and how many the server left as they were."""

    written: int = 0
    skipped: int = 0
    refused: list[Refused] = field(default_factory=list)


def expect_writable(database: ConnectedDatabase) -> None:
    """Raises DatabaseReadOnly."""
    if not database.writable:
        raise DatabaseReadOnly(f"`{database.slug}` is not `writable`.")


class Writing:
    """One a process."""

    def __init__(self, vault: Vault, connector: Connector) -> None:
        self._vault = vault
        self._connector = connector

    async def write(self, database: ConnectedDatabase, load: Load) -> Written:
        """Write rows in batches, each of which is a transaction; done twice, they stand there once.

        Raises DatabaseReadOnly, DatabaseUnusable, TargetUnfit, WriteFailed, AddressRefused, and
        DatabaseFailed where the same may do later.
        """
        expect_writable(database)
        address = address_of(self._vault, database)
        schemas, seconds = list(database.schemas), database.timeout_seconds
        try:
            async with self._connector.writing(
                address, schemas, seconds, MOST_SECONDS
            ) as connection:
                target = await targets.find(connection, load.table, schemas, database.tables)
                return await _Filling(connection, target, load).fill()
        except asyncpg.QueryCanceledError:
            raise DatabaseFailed(f"A statement took more than {seconds} seconds.") from None
        except asyncpg.PostgresError as error:
            if error.sqlstate in _HELD:
                raise DatabaseBusy(said(error)) from None
            if str(error.sqlstate)[:2] in _AWAY:
                raise DatabaseFailed(said(error)) from None
            raise WriteFailed(said(error)) from None


class _Filling:
    """One load on its way into one table."""

    def __init__(self, connection: Connection, target: Target, load: Load) -> None:
        self._connection = connection
        self._target = target
        self._load = load
        self._key = target.key(load.key)
        self._statements: dict[tuple[str, ...], str] = {}
        self._done = Written()

    async def fill(self) -> Written:
        rows = self._checked()
        batch = max(len(rows), 1) if self._load.whole else _BATCH
        for start in range(0, len(rows), batch):
            transaction = self._connection.transaction()
            await transaction.start()
            # Else a row's fault would show at the end alone, and undo those of all others.
            await self._connection.execute("set constraints all immediate")
            await self._put(rows[start : start + batch])
            if self._load.whole and self._done.refused:
                await transaction.rollback()
                return Written(refused=self._done.refused)
            await transaction.commit()
        self._done.refused.sort(key=lambda each: each.index)
        return self._done

    def _checked(self) -> list[Numbered]:
        """The rows that name their key; raises TargetUnfit."""
        self._expect_key_among_columns()
        rows = [(index, self._shortened(row)) for index, row in self._load.rows]
        names: set[str] = set()
        for index, row in rows:
            for name in row.keys() - names:
                self._target.expect(name, f"/rows/{index}")
            names |= row.keys()
        if self._load.mode == "upsert":
            for name in sorted(names.difference(self._key)):
                self._target.expect_changeable(name)
        good = [each for each in rows if self._has_key(*each)]
        return [] if self._load.whole and self._done.refused else good

    def _expect_key_among_columns(self) -> None:
        columns = self._load.columns
        if columns is None:
            return
        for name in columns:
            self._target.expect(name, "/columns")
        if missing := [name for name in self._key if name not in columns]:
            raise KeyUnfit("/columns", f"`{missing[0]}` is not among them, but in the key.")

    def _shortened(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        columns = self._load.columns
        return row if columns is None else {name: row[name] for name in columns if name in row}

    def _has_key(self, index: int, row: Mapping[str, Any]) -> bool:
        """Nulls are no key: such a row would stand there anew each time."""
        empty = next((name for name in self._key if row.get(name) is None), None)
        if empty is not None:
            told = f"`{empty}` is null or missing, and tells rows apart."
            self._done.refused.append(Refused(index, "key_missing", told))
        return empty is None

    async def _put(self, rows: Sequence[Numbered]) -> None:
        """All of them at once; where one is refused, in smaller parts."""
        try:
            async with self._connection.transaction():
                written = await self._insert(rows)
        except asyncpg.PostgresError as error:
            code = self._fault_of_row(str(error.sqlstate))
            if code is None:
                raise
            if len(rows) == 1:
                self._done.refused.append(Refused(rows[0][0], code, said(error)))
                return
            part = 1 if len(rows) <= _FEW else -(-len(rows) // 2)
            for start in range(0, len(rows), part):
                await self._put(rows[start : start + part])
            return
        self._done.written += written
        self._done.skipped += len(rows) - written

    async def _insert(self, rows: Sequence[Numbered]) -> int:
        """How many rows the server wrote; their order is kept."""
        written = 0
        for columns, of_the_same in groupby(rows, key=lambda each: tuple(sorted(each[1]))):
            if columns not in self._statements:
                self._statements[columns] = _statement(
                    self._target, columns, self._key, self._load.mode
                )
            given = orjson.dumps([row for _, row in of_the_same]).decode()
            status = await self._connection.execute(self._statements[columns], given)
            written += int(str(status).rpartition(" ")[2])
        return written

    def _fault_of_row(self, state: str) -> str | None:
        """The code of a reject; None where the fault is none of a row's."""
        kind = state[:2]
        if kind == _VALUES:
            return "value_invalid"
        if kind in _CONSTRAINTS:
            return "constraint_violated"
        if state == _NOT_ALLOWED and not self._target.by_row:
            return None
        return (
            "row_refused" if kind in _OTHERS or state in (_SAME_KEY_TWICE, _NOT_ALLOWED) else None
        )


def _statement(target: Target, columns: Sequence[str], key: Sequence[str], mode: Mode) -> str:
    """The server itself reads each value as its column's type, out of the one parameter."""
    names = ", ".join(map(quoted, columns))
    typed = ", ".join(f"{quoted(each)} {target.columns[each].kind}" for each in columns)
    changed = [f"{quoted(each)} = excluded.{quoted(each)}" for each in columns if each not in key]
    update = f"update set {', '.join(changed)}"  # names of its own  # nosec B608
    action = update if mode == "upsert" and changed else "nothing"
    return (
        f"insert into {target.quoted} ({names}) select {names} "  # noqa: S608 - names of its own  # nosec B608
        f"from pg_catalog.jsonb_to_recordset($1::jsonb) as given({typed}) "
        f"on conflict ({', '.join(map(quoted, key))}) do {action}"
    )
