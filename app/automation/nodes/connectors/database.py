"""The connector `database`: rows of a connected database, read-only, from a cursor on."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from app.agents.databases import service
from app.agents.databases.checking import plain
from app.agents.databases.errors import QueryRefused
from app.agents.databases.reading import LONGEST_SQL, Answer, Reading
from app.automation.nodes.connectors.connector import (
    MOST_BYTES,
    MOST_ROWS,
    Connector,
    Operation,
    Reject,
    Rows,
)
from app.automation.nodes.faults import expect_allowed
from app.automation.nodes.fields import Slug, is_template
from app.automation.nodes.node_type import StepContext
from app.core.auth import Access, Permission
from app.core.db import Database
from app.core.errors import AppError, FieldError
from app.core.schema import Input, Number, Text, WholeNumber

_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
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
            description="A column of the rows that only grows, without equal values (an id, a "
            "sequence): rows come in its order, from behind `cursor` on."
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
        answer = await self._reading.query(database, written(options, limit + 1))
        shown = answer.lines[:limit]
        while len(shown) > 1 and sum(map(len, shown)) > MOST_BYTES:
            shown = shown[: len(shown) // 2]
        page = _page(Answer(shown, answer.more or len(shown) < len(answer.lines)), options)
        return page.told()


def _page(answer: Answer, options: ReadOptions) -> Rows:
    """Raises QueryRefused where the rows have no such column as the cursor's."""
    rows: list[Any] = []
    rejects: list[Reject] = []
    for index, row in enumerate(answer.rows()):
        if isinstance(row, dict):
            rows.append(row)
        else:
            rejects.append(Reject(index, "row_too_long", "The row is too long.", row))
    cursor = options.cursor
    if options.cursor_column is not None and rows:
        cursor = _cursor_in(rows[-1], options.cursor_column)
    return Rows(rows, cursor, answer.more, rejects)


def written(options: ReadOptions, limit: int) -> str:
    """The query with its parameters and its cursor, each a literal of its own."""
    head = ""
    if options.parameters:
        columns = ", ".join(
            f'{literal(value)} as "{name}"' for name, value in options.parameters.items()
        )
        head = f"with parameters as materialized (select {columns})\n"
    # The line's end closes a comment that the query may end with.
    asked = f"{head}select * from (\n{plain(options.sql)}\n) as found"  # noqa: S608 - it is checked before it is asked  # nosec B608
    if (column := options.cursor_column) is not None:
        if options.cursor is not None:
            asked += f' where found."{column}" > {literal(options.cursor)}'
        asked += f' order by found."{column}"'
    return f"{asked} limit {limit}"


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


def _cursor_in(row: Mapping[str, Any], column: str) -> Any:
    if column not in row:
        raise QueryRefused(f"The rows have no column `{column}`.")
    return row[column]


def database_connector(database: Database, reading: Reading) -> Connector:
    return Connector("database", "Connected databases", (Read(database, reading),))
