"""The connector `database`: rows of a connected database, read-only, from a cursor on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from app.agents.databases import service
from app.agents.databases.checking import plain
from app.agents.databases.errors import QueryRefused
from app.agents.databases.models import ConnectedDatabase
from app.agents.databases.reading import LONGEST_SQL, Answer, Reading
from app.agents.databases.writing import Writing
from app.automation.nodes.connectors import cursors
from app.automation.nodes.connectors.connector import (
    MOST_REJECTS,
    MOST_ROWS,
    Connector,
    Operation,
    Reject,
    Rows,
    within_bytes,
)
from app.automation.nodes.connectors.database_write import Write
from app.automation.nodes.faults import expect_allowed
from app.automation.nodes.fields import Slug, is_template
from app.automation.nodes.node_type import StepContext, StepFault
from app.core.auth import Access, Permission
from app.core.db import Database
from app.core.errors import AppError, FieldError
from app.core.schema import Input, Number, Text, WholeNumber

_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
# Of the whole row, whatever its columns are called.
_ROW: Final = "pg_catalog.row_to_json(found.*)"
Column = Annotated[Text, Field(max_length=63, pattern=_NAME)]
Whole = Annotated[WholeNumber, Field(ge=-(2**63), le=2**63 - 1)]
Scalar = bool | Whole | Number | Annotated[Text, Field(max_length=10_000)] | None


class ReadOptions(Input):
    database: Annotated[Slug, Field(description="Its slug.")]
    sql: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=LONGEST_SQL // 2,
            description="One SELECT, without templates: values come by `parameters`.",
        ),
    ]
    parameters: Annotated[
        dict[Column, Scalar],
        Field(
            max_length=50,
            description="The one row of a table `parameters`: `(select since from parameters)`. "
            "Texts are cast where another type is meant: `since::timestamptz`.",
        ),
    ] = Field(default_factory=dict)
    cursor_column: Annotated[
        Column | None,
        Field(
            description="A column of the rows that only grows (an id, a sequence, a moment): rows "
            "come in its order, from behind `cursor` on. Those with equal values come together."
        ),
    ] = None
    cursor: Annotated[
        Whole | Number | Annotated[Text, Field(max_length=1000)] | None,
        Field(description="The `cursor` that the call before gave; null begins."),
    ] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=MOST_ROWS)] = 200


class Read(Operation[ReadOptions]):
    """At most as many rows as the database's own setting allows."""

    name = "read"
    kind = "source"
    title = "Read rows by a query"
    options = ReadOptions
    example: ClassVar[Mapping[str, Any]] = {
        "database": "shop",
        "sql": "select id, customer, total from orders",
        "cursor_column": "id",
        "cursor": "{{ inputs.cursor }}",
        "limit": 500,
    }

    def __init__(self, database: Database, reading: Reading) -> None:
        self._database = database
        self._reading = reading

    def target(self, options: Mapping[str, Any]) -> str | None:
        return f"database {options.get('database')}"

    async def mistakes(self, access: Access, options: Mapping[str, Any]) -> Sequence[FieldError]:
        found = []
        if is_template(options.get("sql")):
            said = "holds a template, whose value could be read as SQL: use `parameters`"
            found.append(FieldError("/sql", "sql_templated", said))
        slug = options.get("database")
        if isinstance(slug, str) and not is_template(slug):
            try:
                async with self._database.unit(access.scope) as session:
                    await service.named(session, access, slug)
            except AppError as error:
                found.append(FieldError("/database", error.code, error.detail))
        return found

    async def perform(self, ctx: StepContext, options: ReadOptions) -> dict[str, Any]:
        """Raises StepFault, DatabaseNotFound, and what `Reading.query` raises."""
        expect_allowed(ctx, Permission.TOOLS_READ)
        async with self._database.unit(ctx.access.scope) as session:
            database = await service.named(session, ctx.access, options.database)
        limit = min(options.limit, database.max_rows)
        if options.cursor_column is not None:
            ordered = _Ordered(self._reading, database, options, options.cursor_column)
            return (await ordered.page(limit)).told()
        answer = await self._reading.query(database, written(options, limit + 1), beyond=1)
        shown = within_bytes(len(each.encode()) for each in answer.lines[:limit])
        page = _page(Answer(answer.lines[:shown], more=shown < len(answer.lines)))
        return replace(page, cursor=options.cursor).told()


@dataclass(frozen=True, slots=True)
class _Ordered:
    """A query's rows in the order of a column: none is passed over, none comes twice."""

    reading: Reading
    database: ConnectedDatabase
    options: ReadOptions
    column: str

    async def page(self, limit: int) -> Rows:
        """Raises StepFault: `cursor_not_unique`, `cursor_unfit`."""
        lines, within = await self._lines(limit)
        count = cursors.ended(lines, within)
        if not count and lines:
            lines, count = await self._equal(limit)
        found = cursors.page(lines[:count], self.options.cursor, more=count < len(lines))
        if found.more:
            return found
        unmarked = await self._unmarked(limit, len(lines))
        return replace(found, rejects=[*found.rejects, *unmarked])

    async def _equal(self, limit: int) -> tuple[list[cursors.Line], int]:
        """All rows of a value that more than a page of them have, where there is room for them."""
        most = self.database.max_rows
        if limit < most:
            lines, within = await self._lines(most)
            if count := cursors.ended(lines, within):
                return lines, cursors.first_group(lines) or count
        raise StepFault(
            "cursor_not_unique",
            f"More rows than fit into a page have the same `{self.column}`. Take a column without "
            "equal values, or raise the database's `max_rows`.",
        )

    async def _lines(self, limit: int) -> tuple[list[cursors.Line], int]:
        """One line more than a page has at most, where there are as many; and the page's bound."""
        asked = ordered(self.options, self.column, limit + 1)
        answer = await self.reading.query(self.database, asked, beyond=1)
        within = within_bytes(len(each.encode()) for each in answer.lines[:limit])
        return [cursors.read_line(each) for each in answer.lines], within

    async def _unmarked(self, limit: int, before: int) -> list[Reject]:
        """Rows without a value, which are behind no cursor, once all others have been read."""
        asked = unordered(self.options, self.column, min(limit, MOST_REJECTS))
        answer = await self.reading.query(self.database, asked)
        said = f"Its `{self.column}` is null, so that it is behind no cursor."
        lines = [cursors.read_line(each) for each in answer.lines]
        return [
            Reject(before + at, "cursor_missing", said, line.text if line.row is None else line.row)
            for at, line in enumerate(lines)
        ]


def _page(answer: Answer) -> Rows:
    rows: list[Any] = []
    rejects: list[Reject] = []
    for index, row in enumerate(answer.rows()):
        if isinstance(row, dict):
            rows.append(row)
        else:
            rejects.append(Reject(index, "row_too_long", "The row is too long.", row))
    return Rows(rows, None, answer.more, rejects)


def written(options: ReadOptions, limit: int) -> str:
    """The query with its parameters, each a literal of its own."""
    return f"{_asked(options, 'select *')} limit {limit}"


def ordered(options: ReadOptions, column: str, limit: int) -> str:
    """The rows behind the cursor in their order, each as `{"cursor": …, "row": …}`."""
    behind = "is not null" if options.cursor is None else f"> {literal(options.cursor)}"
    asked = _asked(options, f'select found."{column}" as "cursor", {_ROW} as "row"')
    return f'{asked} where found."{column}" {behind} order by found."{column}" limit {limit}'


def unordered(options: ReadOptions, column: str, limit: int) -> str:
    """The rows that no order holds, in the same form."""
    asked = _asked(options, f'select null as "cursor", {_ROW} as "row"')
    return f'{asked} where found."{column}" is null limit {limit}'


def _asked(options: ReadOptions, select: str) -> str:
    head = ""
    if options.parameters:
        columns = ", ".join(
            f'{literal(value)} as "{name}"' for name, value in options.parameters.items()
        )
        head = f"with parameters as materialized (select {columns})\n"
    # The line's end closes a comment that the query may end with; it is checked before it is asked.
    return f"{head}{select} from (\n{plain(options.sql)}\n) as found"  # nosec B608


def literal(value: bool | float | str | None) -> str:
    """A value as Postgres reads it, with standard strings; raises QueryRefused for NUL."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"({value!r})"
    if "\x00" in value or "/*" in value:
        raise QueryRefused("A parameter holds what no query may: NUL, or a comment's beginning.")
    return "'" + value.replace("'", "''") + "'"


def database_connector(database: Database, reading: Reading, writing: Writing) -> Connector:
    operations = (Read(database, reading), Write(database, writing))
    return Connector("database", "Connected databases", operations)
