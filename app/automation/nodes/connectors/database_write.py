"""What the connector `database` writes: rows into a table, each once under its key."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.agents.databases import service
from app.agents.databases.errors import DatabaseReadOnly, TargetUnfit
from app.agents.databases.writing import Load, Mode, Numbered, Writing, expect_writable
from app.automation.nodes.connectors.connector import (
    MOST_GIVEN,
    Operation,
    Reject,
    told_rejects,
)
from app.automation.nodes.faults import expect_allowed
from app.automation.nodes.fields import Slug, is_template
from app.automation.nodes.node_type import StepContext, StepFault
from app.core.auth import Access, Permission
from app.core.db import Database
from app.core.errors import AppError, FieldError
from app.core.schema import Input, Text

Name = Annotated[Text, Field(min_length=1, max_length=63)]


class WriteOptions(Input):
    database: Annotated[Slug, Field(description="The slug of one that is `writable`.")]
    table: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=127,
            pattern=r"^[^.]+(\.[^.]+)?$",
            description="`schema.table`, or a table of the first schema that has it.",
        ),
    ]
    rows: Annotated[
        list[Any],
        Field(
            max_length=MOST_GIVEN,
            description="JSON objects; each field goes into the column of its name.",
        ),
    ]
    mode: Annotated[
        Mode,
        Field(
            description="A row whose key is there already: `upsert` changes it, `insert` leaves it."
        ),
    ] = "upsert"
    key: Annotated[
        list[Name],
        Field(
            max_length=16,
            description="The columns of a unique index, which tell rows apart; default: the "
            "primary key.",
        ),
    ] = Field(default_factory=list)
    columns: Annotated[
        list[Name] | None,
        Field(
            min_length=1,
            max_length=500,
            description="Only these fields are written; default: all.",
        ),
    ] = None
    on_reject: Annotated[
        Literal["collect", "fail"],
        Field(
            description="A row that the server refuses: is told of, and the others are written; "
            "or fails the step, and nothing is written."
        ),
    ] = "collect"


class Write(Operation[WriteOptions]):
    """`{written, skipped, rejects, rejected}`; done twice, each row stands there once."""

    name = "write"
    kind = "sink"
    title = "Write rows into a table"
    options = WriteOptions
    example: ClassVar[Mapping[str, Any]] = {
        "database": "warehouse",
        "table": "public.orders",
        "rows": "{{ nodes.check.output.rows }}",
        "key": ["id"],
    }

    def __init__(self, database: Database, writing: Writing) -> None:
        self._database = database
        self._writing = writing

    def target(self, options: Mapping[str, Any]) -> str | None:
        return f"database {options.get('database')}"

    async def mistakes(self, access: Access, options: Mapping[str, Any]) -> Sequence[FieldError]:
        slug = options.get("database")
        if not isinstance(slug, str) or is_template(slug):
            return ()
        try:
            async with self._database.unit(access.scope) as session:
                found = await service.named(session, access, slug)
        except AppError as error:
            return [FieldError("/database", error.code, error.detail)]
        if found.writable:
            return ()
        return [FieldError("/database", DatabaseReadOnly.code, f"`{slug}` is not `writable`")]

    async def perform(self, ctx: StepContext, options: WriteOptions) -> dict[str, Any]:
        """Raises StepFault (`rows_rejected`), DatabaseNotFound, and what `Writing.write` raises."""
        expect_allowed(ctx, Permission.TOOLS_READ, Permission.WORKFLOWS_RUN)
        async with self._database.unit(ctx.access.scope) as session:
            database = await service.named(session, ctx.access, options.database)
        expect_writable(database)
        every = list(enumerate(options.rows))
        good: list[Numbered] = [(at, row) for at, row in every if isinstance(row, dict)]
        rejects = [
            Reject(at, "row_invalid", "A row is a JSON object.", row)
            for at, row in every
            if not isinstance(row, dict)
        ]
        fails = options.on_reject == "fail"
        if rejects and fails:
            raise _rejected(rejects)
        load = Load(options.table, good, options.mode, options.key, options.columns, fails)
        if not good:
            return {"written": 0, "skipped": 0, **told_rejects(rejects)}
        try:
            done = await self._writing.write(database, load)
        except TargetUnfit as error:
            raise StepFault(error.code, f"{error.errors[0].pointer}: {error.detail}") from None
        rejects += [
            Reject(each.index, each.code, each.message, options.rows[each.index])
            for each in done.refused
        ]
        if rejects and fails:
            raise _rejected(rejects)
        rejects.sort(key=lambda each: each.index)
        return {"written": done.written, "skipped": done.skipped, **told_rejects(rejects)}


def _rejected(rejects: Sequence[Reject]) -> StepFault:
    first = rejects[0]
    said = (
        f"{len(rejects)} rows are refused, and none is written; row {first.index}: {first.message}"
    )
    return StepFault("rows_rejected", said, detail=told_rejects(rejects[:10]))
