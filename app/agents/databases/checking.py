"""What a question may touch: told by the server's own plan of it, before it is asked."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from app.agents.databases.connecting import Connection
from app.agents.databases.errors import QueryRefused

# Functions that act, wait, reach outside, or read tables that no plan shows.
_WORD: Final = re.compile(r'([^\W\d][\w$]*)"?(?:\s|--[^\n]*(?:\n|$))*\(')
_HARMLESS: Final = frozenset(
    {"random", "random_normal", "clock_timestamp", "timeofday", "gen_random_uuid", "uuidv4",
     "uuidv7"}
)  # fmt: skip
_READS_UNSEEN: Final = re.compile(r"_to_xml(schema|_and_xmlschema)?$")
_WRITES: Final = frozenset({"ModifyTable", "LockRows"})
_VOLATILE: Final = """
select distinct proname::text from pg_catalog.pg_proc
where proname = any($1::text[]) and provolatile = 'v'
"""


async def check(
    connection: Connection, sql: str, schemas: list[str], tables: list[str] | None
) -> None:
    """Raises QueryRefused, and what the server raises at a broken query."""
    await _expect_harmless_functions(connection, sql)
    told = await connection.fetchval(f"explain (format json, verbose) {wrapped(sql)}")
    for node in _nodes(orjson.loads(told)[0]["Plan"]):
        if node.get("Node Type") in _WRITES:
            raise QueryRefused("It would write or lock. Only queries that read are asked.")
        _expect_allowed(node, schemas, tables)


def wrapped(sql: str, most: int | None = None, characters: int = 100_000) -> str:
    """The query as a part of one of ours: only what reads can stand there, by Postgres's grammar.

    Each row is JSON that the server cuts off, so that no row is larger than we can take.
    """
    limit = "" if most is None else f" limit {most}"
    return (
        f"select left(pg_catalog.row_to_json(q)::text, {characters}) "  # noqa: S608 - a query it is
        f"from (\n{plain(sql)}\n) as q{limit}"
    )


def plain(sql: str) -> str:
    """One statement without its end; raises QueryRefused for what hides what it says."""
    text = sql.strip().rstrip(";").strip()
    if "/*" in text or re.search(r"\bU&\s*[\"']", text, re.IGNORECASE) or "\x00" in text:
        raise QueryRefused("Write it without block comments and without U& names.")
    if not re.match(r"[\s(]*(select|with|values|table)\b", text, re.IGNORECASE):
        raise QueryRefused("Only SELECT, WITH, VALUES and TABLE are asked.")
    return text


async def _expect_harmless_functions(connection: Connection, sql: str) -> None:
    called = {name.lower() for name in _WORD.findall(sql)} | set(_WORD.findall(sql))
    if unseen := sorted(name for name in called if _READS_UNSEEN.search(name)):
        raise QueryRefused(f"The function {unseen[0]} may not be called.")
    found = await connection.fetch(_VOLATILE, sorted(called - _HARMLESS))
    if found:
        raise QueryRefused(
            f"The function {found[0]['proname']} may not be called: it may do more than read."
        )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _expect_allowed(node: dict[str, Any], schemas: list[str], tables: list[str] | None) -> None:
    relation = node.get("Relation Name")
    if relation is None:
        return
    schema = node.get("Schema") or ""
    named = f"{schema}.{relation}"
    if schema not in schemas or (tables is not None and named not in tables):
        raise QueryRefused(f"{named} is not among the tables that may be read.")
