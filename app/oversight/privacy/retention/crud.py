"""Retention policies in Postgres, and the rows that are too old for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.oversight.privacy.retention.models import RetentionPolicy
from app.oversight.privacy.tables import DataTable, all_tables

BATCH = 500
COUNTED = 100_000


async def get(session: AsyncSession, workspace_id: UUID) -> RetentionPolicy | None:
    found: RetentionPolicy | None = await session.scalar(
        select(RetentionPolicy).where(RetentionPolicy.workspace_id == workspace_id)
    )
    return found


async def get_or_add(session: AsyncSession, workspace_id: UUID) -> RetentionPolicy:
    """The policy of a workspace, made where there is none: it keeps everything."""
    await session.execute(
        insert(RetentionPolicy)
        .values(id=new_id(), workspace_id=workspace_id, days={})
        .on_conflict_do_nothing(index_elements=["workspace_id"])
    )
    return (
        await session.scalars(
            select(RetentionPolicy)
            .where(RetentionPolicy.workspace_id == workspace_id)
            .with_for_update()
        )
    ).one()


async def page(session: AsyncSession, after: UUID | None, limit: int) -> Sequence[RetentionPolicy]:
    """Policies of all workspaces, in the order of their ids."""
    statement = select(RetentionPolicy).order_by(RetentionPolicy.id).limit(limit)
    if after is not None:
        statement = statement.where(RetentionPolicy.id > after)
    return (await session.scalars(statement)).all()


def tables_of(data_class: str) -> list[DataTable]:
    """The tables that a class names; what is kept through another table goes with that one."""
    return [
        table
        for table in all_tables()
        if table.handling.retention == data_class and not table.handling.through
    ]


def too_old(
    table: DataTable, workspace_id: UUID, at_home: Sequence[UUID], at: datetime, days: int
) -> ColumnElement[bool]:
    """The rows of a workspace that are past their days.

    A table of people, with no workspace, follows the policy of their personal one.
    """
    columns, handling = table.table.c, table.handling
    old = columns[handling.aged_by] < at - timedelta(days=days)
    if "workspace_id" in columns:
        return old & (columns.workspace_id == workspace_id)
    return old & columns[handling.subject or "id"].in_(at_home)


async def count(session: AsyncSession, table: DataTable, rule: ColumnElement[bool]) -> int:
    """How many rows, up to COUNTED."""
    some = select(*table.key).where(rule).limit(COUNTED).subquery()
    return await session.scalar(select(func.count()).select_from(some)) or 0


async def delete_batch(session: AsyncSession, table: DataTable, rule: ColumnElement[bool]) -> int:
    batch = select(*table.key).where(rule).limit(BATCH).with_for_update(skip_locked=True)
    result: CursorResult[Any] = await session.execute(  # type: ignore[assignment]
        delete(table.table).where(tuple_(*table.key).in_(batch))
    )
    return result.rowcount
