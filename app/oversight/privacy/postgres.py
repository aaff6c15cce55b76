"""Postgres as a store of personal data: every declared table, in pieces that can be cut off."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import orjson
from sqlalchemy import ColumnElement, LargeBinary, delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import SYSTEM, Database
from app.oversight.privacy.people import Person
from app.oversight.privacy.stores import Action, Entry, Tally
from app.oversight.privacy.tables import DataTable, all_tables, doomed, own_or_about

PAGE = 500
BATCH = 1000
PIECE_BYTES = 256 * 1024
# These two are the last to go: while the account is there, the person can be found.
_LAST = ("workspaces", "users")


class PostgresStore:
    """Exports, erases and counts by the declarations alone."""

    name = "postgres"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def export(self, person: Person) -> AsyncIterator[Entry]:
        for table in all_tables():
            yield Entry(
                f"postgres/{table.name}.jsonl",
                table.handling.purpose,
                self._lines(table, person),
            )
            if column := picture_column(table):
                async for entry in self._pictures(table, column, person):
                    yield entry

    async def erase(self, person: Person, tally: Tally) -> None:
        tables = list(reversed(all_tables()))
        for table in sorted(tables, key=lambda table: table.name in _LAST):
            if (rule := doomed(table, person)) is not None:
                await self._delete(table, rule, tally)
            if table.handling.erase == "delete" and table.belongs_to_someone:
                await self._delete(table, table.about(person), tally)
            elif table.handling.erase == "clear":
                await self._clear(table, table.about(person), table.cleared(), tally)
            elif table.belongs_to_someone:
                await self._keep(table, person, tally)
            for rule, nobody in table.mentioning(person):
                await self._clear(table, rule, nobody, tally)

    async def left(self, person: Person) -> int:
        found = 0
        async with self._database.unit(SYSTEM) as session:
            for table in all_tables():
                goes = table.belongs_to_someone and table.handling.erase != "keep"
                rules = [doomed(table, person), table.about(person) if goes else None]
                rules += [rule for rule, _ in table.mentioning(person)]
                for rule in rules:
                    found += 0 if rule is None else await count(session, table, rule)
        return found

    async def _lines(self, table: DataTable, person: Person) -> AsyncIterator[bytes]:
        columns = [c for c in table.shown() if c.name != picture_column(table)]
        names = [str(column.name) for column in columns]
        rows = select(*columns).where(own_or_about(table, person)).order_by(*table.key)
        async with self._database.unit(SYSTEM) as session:
            result = await session.stream(rows.execution_options(yield_per=PAGE))
            piece = bytearray()
            async for row in result:
                values = dict(zip(names, row, strict=True))
                piece += orjson.dumps(values, default=_as_text) + b"\n"
                if len(piece) >= PIECE_BYTES:
                    yield bytes(piece)
                    piece.clear()
            yield bytes(piece)

    async def _pictures(
        self, table: DataTable, column: str, person: Person
    ) -> AsyncIterator[Entry]:
        columns = (table.table.c.id, table.table.c.media_type)
        rule = own_or_about(table, person)
        async with self._database.unit(SYSTEM) as session:
            found = (await session.execute(select(*columns).where(rule))).all()
        for row_id, media_type in found:
            ending = media_type.partition("/")[2].partition("+")[0] or "bin"
            yield Entry(
                f"files/{table.name}/{row_id}.{ending}",
                table.handling.purpose,
                self._picture(table, column, row_id),
            )

    async def _picture(self, table: DataTable, column: str, row_id: Any) -> AsyncIterator[bytes]:
        statement = select(table.table.c[column]).where(table.table.c.id == row_id)
        async with self._database.unit(SYSTEM) as session:
            yield await session.scalar(statement) or b""

    async def _delete(self, table: DataTable, rule: ColumnElement[bool], tally: Tally) -> None:
        key = tuple_(*table.key)
        # The newest first: what refers to another row of its own table is younger than that one.
        batch = select(*table.key).where(rule).order_by(*(c.desc() for c in table.key))
        statement = delete(table.table).where(key.in_(batch.limit(BATCH)))
        await self._repeat(table, statement, "deleted", tally)

    async def _clear(
        self, table: DataTable, rule: ColumnElement[bool], values: dict[str, Any], tally: Tally
    ) -> None:
        batch = select(*table.key).where(rule).limit(BATCH)
        statement = update(table.table).where(tuple_(*table.key).in_(batch)).values(values)
        await self._repeat(table, statement, "cleared", tally, reason=table.handling.reason)

    async def _repeat(
        self,
        table: DataTable,
        statement: Any,
        action: Action,
        tally: Tally,
        *,
        reason: str = "",
    ) -> None:
        changed = BATCH
        while changed == BATCH:
            async with self._database.unit(SYSTEM) as session:
                result: Any = await session.execute(statement)
                changed = result.rowcount
                if changed:
                    place = f"{self.name}/{table.name}"
                    await tally.add(place, action, changed, reason=reason, session=session)

    async def _keep(self, table: DataTable, person: Person, tally: Tally) -> None:
        async with self._database.unit(SYSTEM) as session:
            kept = await count(session, table, table.about(person))
        await tally.add(f"{self.name}/{table.name}", "kept", kept, reason=table.handling.reason)


async def count(session: AsyncSession, table: DataTable, rule: ColumnElement[bool]) -> int:
    """How many rows of a table a rule holds for."""
    return await session.scalar(select(func.count()).select_from(table.table).where(rule)) or 0


def picture_column(table: DataTable) -> str | None:
    """The column with a file's bytes, of a table that knows the file's media type."""
    if "media_type" not in table.table.c:
        return None
    return next((c.name for c in table.shown() if isinstance(c.type, LargeBinary)), None)


def _as_text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
