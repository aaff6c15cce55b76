"""What a question may touch: told by the server's own plan of it, before it is asked."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from app.agents.databases.connecting import Connection
from app.agents.databases.errors import QueryRefused

# Possessive, and from a word's beginning on: each sign of a long text is looked at a few times.
_GAP: Final = r"(?:\s|--[^\n]*+(?:\n|$))*+"
# Functions that act, wait, reach outside, or read tables that no plan shows: as `f(x)` calls them,
# and as `(x).f` does, where they take one argument.
_CALLED: Final = re.compile(rf'(?<![\w$])([^\W\d][\w$]*+)"?{_GAP}\(')
_DOTTED: Final = re.compile(rf'\.{_GAP}"?([^\W\d][\w$]*+)')
_HARMLESS: Final = frozenset(
    {"random", "random_normal", "clock_timestamp", "timeofday", "gen_random_uuid", "uuidv4",
     "uuidv7"}
)  # fmt: skip
_READS_UNSEEN: Final = re.compile(r"_to_xml(schema|_and_xmlschema)?$")
_WRITES: Final = frozenset({"ModifyTable", "LockRows"})
_VOLATILE: Final = """
select proname::text from pg_catalog.pg_proc
where provolatile = 'v' and (proname = any($1::text[])
  or proname = any($2::text[]) and pronargs >= 1 and pronargs - pronargdefaults <= 1)
order by 1 limit 1
"""


async def check(
    connection: Connection, sql: str, schemas: list[str], tables: list[str] | None
) -> None:
    """Raises QueryRefused, and what the server raises at a broken query."""
    await _expect_harmless_functions(connection, sql)
    # By itself it must be a query, too: else its brackets could close ours.
    for asked in (plain(sql), wrapped(sql)):
        told = await connection.fetchval(f"explain (format json, verbose) {asked}")
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
        f"select left(pg_catalog.row_to_json(q)::text, {characters}) "  # noqa: S608 - a query  # nosec B608
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
    called, dotted = _names(_CALLED, sql), _names(_DOTTED, sql)
    if unseen := sorted(name for name in called | dotted if _READS_UNSEEN.search(name)):
        raise QueryRefused(f"The function {unseen[0]} may not be called.")
    found = await connection.fetchval(
        _VOLATILE, sorted(called - _HARMLESS), sorted(dotted - _HARMLESS)
    )
    if found is not None:
        raise QueryRefused(f"The function {found} may not be called: it may do more than read.")


def _names(pattern: re.Pattern[str], sql: str) -> set[str]:
    """As they are written, and as Postgres reads them without quotes."""
    found = set(pattern.findall(sql))
    return found | {name.lower() for name in found}


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
