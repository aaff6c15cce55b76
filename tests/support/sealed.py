"""Rows with a sealed value in every column that declares one, whichever tables there are."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, Table, insert, text

from app.core.crypto import Vault
from app.core.crypto.resealing import SealedColumn
from app.core.db import sync_engine


def fill(
    url: str, vault: Vault, columns: Iterable[SealedColumn], *, rows: int = 1
) -> dict[tuple[str, Any], str]:
    """Insert `rows` rows a column, past foreign keys; returns the secrets by column and row key."""
    secrets: dict[tuple[str, Any], str] = {}
    engine = sync_engine(url)
    with engine.begin() as connection:
        connection.execute(text("set session_replication_role = replica"))
        for sealed in columns:
            made = [_row(sealed, vault) for _ in range(rows)]
            connection.execute(insert(sealed.table), made)
            for row in made:
                context = sealed.context.format_map(row)
                opened = vault.open(row[sealed.column.name], context=context)
                secrets[sealed.name, key_of(sealed.table, row)] = opened
    engine.dispose()
    return secrets


def key_of(table: Table, row: Any) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key.columns)


def _row(sealed: SealedColumn, vault: Vault) -> dict[str, Any]:
    row = {
        column.name: _value(column)
        for column in sealed.table.columns
        if column.name != "version"
        and (not column.nullable or column.primary_key or column in sealed.context_columns)
    }
    context = sealed.context.format_map(row)
    row[sealed.column.name] = vault.seal(f"secret of {uuid4()}", context=context)
    return row


def _value(column: Column[Any]) -> Any:
    kind = column.type.python_type
    made: dict[Any, Any] = {
        UUID: uuid4(),
        str: uuid4().hex,
        bytes: uuid4().bytes,
        int: uuid4().int % 1_000_000,
        float: 1.0,
        bool: True,
        datetime: datetime(2026, 1, 2, tzinfo=UTC),
        date: date(2026, 1, 2),
        dict: {},
        list: [],
    }
    return json.loads("{}") if kind not in made else made[kind]
