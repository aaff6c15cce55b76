"""A row in every table of a database, whatever its columns, as the tables' owner writes it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, MetaData, insert, text

# What a column of each of Postgres's types is given that must hold something.
VALUES: dict[str, Any] = {
    "UUID": uuid4,
    "TEXT": lambda: uuid4().hex,
    "VARCHAR": lambda: uuid4().hex,
    "JSON": list,
    "JSONB": list,
    "INTEGER": lambda: 1,
    "BIGINT": lambda: 1,
    "SMALLINT": lambda: 1,
    "NUMERIC": lambda: 1,
    "DOUBLE_PRECISION": lambda: 1.0,
    "FLOAT": lambda: 1.0,
    "LARGE_BINARY": lambda: uuid4().bytes,
    "BIG_INTEGER": lambda: 1,
    "BOOLEAN": lambda: True,
    "BYTEA": lambda: uuid4().bytes,
    "TIMESTAMP": lambda: "2026-11-21T00:00:00Z",
    "DATE": lambda: "2026-11-21",
    "ARRAY": list,
    "INET": lambda: "127.0.0.1",
    "CIDR": lambda: "127.0.0.0/8",
    "INTERVAL": lambda: "1 day",
    "TSVECTOR": lambda: "x",
    "REGCONFIG": lambda: "simple",
}


def fill(connection: Connection, tables: Iterable[str], **given: UUID) -> None:
    """Add a row to each table: `given` by their columns' names, the rest any value.

    What the row refers to need not be there, and no trigger fires.
    """
    connection.execute(text("set local session_replication_role = replica"))
    found = MetaData()
    found.reflect(connection, only=list(tables))
    for name in tables:
        table = found.tables[name]
        values = {
            column.name: given.get(column.name) or VALUES[column.type.__visit_name__.upper()]()
            for column in table.columns
            if column.name in given or not (column.nullable or column.computed or column.identity)
        }
        connection.execute(insert(table).values(values))
