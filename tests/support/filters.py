"""The application's own tenant filters, switched off: what holds then is row-level security."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import event

from app.core.db_driver import opening
from app.core.kernel import Kernel
from app.core.statements import Quick

# How a transaction says whom it serves: with its BEGIN, and by a statement when that changes.
_NAMED = re.compile(r"set_config\('luminous\.(\w+)', '(\w*)', true\)")
_CHANGED = "select set_config('luminous.workspace_id'"
# A comparison in a WHERE or ON; a SET has no blanks around its sign.
_FILTER = re.compile(r"(?:\w+\.)?(?:workspace_id|user_id) = (\$\d+::UUID)")


@dataclass
class Removed:
    """How many filters were taken out of statements so far."""

    count: int = 0


@contextmanager
def filters_off(kernel: Kernel) -> Iterator[Removed]:
    """Take `workspace_id = …` and `user_id = …` out of every statement that serves a workspace.

    Transactions of the system keep them, and those that look a caller up: there the comparison
    is the question and not a filter.
    """
    removed = Removed()
    engine = kernel.database.engine.sync_engine
    strips: dict[Any, bool] = {}

    def begin(connection):
        named = dict(_NAMED.findall(opening.get()))
        assert not opening.get() or set(named) == {"workspace_id", "user_id", "system"}
        connection.info["stripped"] = _is_stripped(named)
        strips[connection.connection.dbapi_connection] = _is_stripped(named)

    def strip(connection, _cursor, statement, parameters, *_):
        if statement.startswith(_CHANGED):
            connection.info["stripped"] = bool(parameters[0]) and parameters[2] == "off"
        elif connection.info.get("stripped"):
            statement, found = _FILTER.subn(r"(\1 is not null)", statement)
            removed.count += found
        return statement, parameters

    event.listen(engine, "begin", begin)
    event.listen(engine, "before_cursor_execute", strip, retval=True)
    try:
        with _quickly(removed, strips):
            yield removed
    finally:
        event.remove(engine, "begin", begin)
        event.remove(engine, "before_cursor_execute", strip)


def _is_stripped(named: dict[str, str]) -> bool:
    return bool(named.get("workspace_id")) and named["system"] == "off"


@contextmanager
def _quickly(removed: Removed, strips: dict[Any, bool]) -> Iterator[None]:
    """The same of statements that asyncpg itself carries out; `strips` says on which connection."""
    rows, together = Quick.rows, Quick.together

    def without(sql: str) -> str:
        sql, found = _FILTER.subn(r"(\1 is not null)", sql)
        removed.count += found
        return sql

    async def stripped(quick, statement, values):
        if strips.get(quick._adapted):
            sql = without(statement.sql)
            statement = SimpleNamespace(sql=sql, arguments=statement.arguments)
        return await rows(quick, statement, values)

    async def stripped_together(quick, calls):
        first = calls[0]
        if first.sql.startswith(_CHANGED):
            strips[quick._adapted] = bool(first.values[0]) and first.values[2] == "off"
        if strips.get(quick._adapted):
            calls = [
                call._replace(sql=without(call.sql), name=call.name + b"_off") for call in calls
            ]
        return await together(quick, calls)

    Quick.rows, Quick.together = stripped, stripped_together
    try:
        yield
    finally:
        Quick.rows, Quick.together = rows, together
