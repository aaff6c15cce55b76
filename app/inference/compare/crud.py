"""Comparisons in Postgres, and the calls that they made."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.compare.models import Comparison
from app.inference.compare.schemas import ComparisonQuery
from app.inference.usage.models import ModelCall


async def get(
    session: AsyncSession, workspace_id: UUID, comparison_id: UUID, *, for_update: bool = False
) -> Comparison | None:
    """A comparison, deleted ones included."""
    statement = select(Comparison).where(
        Comparison.workspace_id == workspace_id, Comparison.id == comparison_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: ComparisonQuery,
    cursors: Cursors,
) -> Slice[Comparison]:
    """A person's own, newest first."""
    deleted = Comparison.deleted_at
    statement = select(Comparison).where(
        Comparison.workspace_id == workspace_id,
        Comparison.user_id == user_id,
        deleted.is_not(None) if query.deleted else deleted.is_(None),
    )
    if query.status is not None:
        statement = statement.where(Comparison.status == query.status)
    keyset = Keyset(Comparison.created_at, Comparison.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def add(session: AsyncSession, comparison: Comparison) -> Comparison:
    session.add(comparison)
    await session.flush()
    return comparison


async def calls_of(
    session: AsyncSession, workspace_id: UUID, request_ids: Collection[UUID]
) -> Sequence[ModelCall]:
    """The attempts of these requests, the last one first."""
    statement = select(ModelCall).where(
        ModelCall.workspace_id == workspace_id, ModelCall.request_id.in_(request_ids)
    )
    return (await session.scalars(statement.order_by(ModelCall.id.desc()))).all()
