"""query_database and describe_database: reading the databases that the workspace connected."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from app.agents.databases import service
from app.agents.databases.errors import DatabaseNotFound, QueryFailed
from app.agents.databases.models import ConnectedDatabase
from app.agents.databases.reading import LONGEST_SQL, MOST_TABLES, Answer, Reading, Table
from app.agents.tools.local.local import Arguments, Config, LocalTool, clipped, takes
from app.agents.tools.tool import Outcome, ToolContext, ToolFault, ToolTraits
from app.agents.tools.web.untrusted import untrusted
from app.core.auth import Access, Permission
from app.core.db import Database

_CHARACTERS: Final = 30_000
_SECONDS: Final = 80.0
_READS: Final = frozenset({Permission.TOOLS_READ})
_DATABASE: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "description": "Its slug; `describe_database` lists them.",
}
_CONFIG: Final[Mapping[str, Any]] = takes(
    (),
    databases={
        "type": "array",
        "minItems": 1,
        "maxItems": 50,
        "items": {"type": "string", "minLength": 1, "maxLength": 64},
        "description": "Slugs of the databases that it may read; by default all.",
    },
)


class _OfDatabases(LocalTool):
    """A tool over the connected databases that an agent may read."""

    config = _CONFIG
    traits = ToolTraits(
        effects="read",
        idempotent=True,
        seconds=_SECONDS,
        characters=_CHARACTERS,
        scopes=_READS,
        echoes=True,
    )

    def __init__(self, database: Database, reading: Reading) -> None:
        self._database = database
        self._reading = reading

    async def missing(self, access: Access) -> str | None:
        return None if await self._usable(access, {}) else "No database is connected."

    async def _usable(self, access: Access, config: Config) -> list[ConnectedDatabase]:
        only = frozenset(config.get("databases") or ())
        async with self._database.unit(access.scope) as session:
            found = await service.usable(session, access)
        return [each for each in found if not only or each.slug in only]

    async def _named(self, access: Access, config: Config, slug: str) -> ConnectedDatabase:
        """Raises DatabaseNotFound."""
        usable = await self._usable(access, config)
        for each in usable:
            if each.slug == slug:
                return each
        there = ", ".join(each.slug for each in usable) or "none"
        raise DatabaseNotFound(f"There is no database `{slug}`; there are: {there}.")


class DescribeDatabase(_OfDatabases):
    """The built-in tool `describe_database`."""

    name = "describe_database"
    description = (
        "List the connected databases; with `database` the tables of one with their columns, "
        "with `table` that table alone."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        (), database=_DATABASE, table={"type": "string", "minLength": 1, "maxLength": 127}
    )

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        if "database" not in arguments:
            return _listed(await self._usable(ctx.access, config))
        database = await self._named(ctx.access, config, arguments["database"])
        tables = await self._reading.describe(database, arguments.get("table"))
        return _described(database, tables, ctx.key)


class QueryDatabase(_OfDatabases):
    """The built-in tool `query_database`."""

    name = "query_database"
    description = (
        "Ask a connected Postgres database one SELECT (or WITH) and read its rows as JSON. Only "
        "reading is possible. Ask for few rows and columns; count and sum in the query."
    )
    parameters: ClassVar[Mapping[str, Any]] = takes(
        ("database", "sql"),
        database=_DATABASE,
        sql={"type": "string", "minLength": 1, "maxLength": LONGEST_SQL},
    )

    async def use(self, ctx: ToolContext, arguments: Arguments, config: Config) -> Outcome:
        database = await self._named(ctx.access, config, arguments["database"])
        try:
            answer = await self._reading.query(database, arguments["sql"])
        except QueryFailed as failed:
            source = f"the database {database.slug}"
            said = untrusted(failed.detail, source=source, key=ctx.key)
            raise ToolFault(failed.code, said) from None
        return _answered(database, answer, ctx.key)


def _listed(usable: list[ConnectedDatabase]) -> Outcome:
    told = [
        {"slug": each.slug, "name": each.name, "description": each.description[:500]}
        for each in usable
    ]
    lines = [f"{each['slug']}: {each['name']}. {each['description']}".strip() for each in told]
    return Outcome("\n".join(lines) or "No database is connected.", told)


def _described(database: ConnectedDatabase, tables: list[Table], key: str) -> Outcome:
    lines: list[str] = []
    for table in tables:
        comment = f" -- {clipped(table.comment, 200)}" if table.comment else ""
        lines.append(f"{table.kind} {table.schema}.{table.name} (about {table.rows} rows){comment}")
        lines += [f"  {_column(each)}" for each in table.columns]
    said = clipped("\n".join(lines), _CHARACTERS - 1_000)
    if len(tables) == MOST_TABLES:
        said += f"\nThere may be more than these {MOST_TABLES}: name a table."
    told = [
        {"table": f"{each.schema}.{each.name}", "kind": each.kind, "columns": each.columns}
        for each in tables
    ]
    if not lines:
        return Outcome("There is no such table that may be read.", told)
    return Outcome(untrusted(said, source=f"the database {database.slug}", key=key), told)


def _column(column: Mapping[str, Any]) -> str:
    said = f"{column['name']} {column['type']}"
    if column["key"]:
        said += " primary key"
    elif not column["nullable"]:
        said += " not null"
    return f"{said} -- {clipped(column['comment'], 120)}" if column["comment"] else said


def _answered(database: ConnectedDatabase, answer: Answer, key: str) -> Outcome:
    """Whole rows only, as many as fit."""
    shown: list[str] = []
    left = _CHARACTERS - 1_500
    for line in answer.lines:
        left -= len(line) + 1
        if left < 0:
            break
        shown.append(line)
    cut = len(shown) < len(answer.lines)
    note = f"{len(shown)} rows."
    if cut or answer.more:
        note = f"The first {len(shown)} rows; there are more. Ask for fewer, or count them."
    if cut and not shown:
        shown = [clipped(answer.lines[0], left + len(answer.lines[0]))]
    said = untrusted("\n".join(shown), source=f"the database {database.slug}", key=key)
    rows = Answer(shown, answer.more).rows()
    told = {"rows": rows, "more": cut or answer.more}
    return Outcome(f"{note}\n{said}" if shown else "No rows.", told)
