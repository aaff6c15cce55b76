"""Comparisons in Postgres, and the calls that they made."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.inference.compare.models import Comparison
from app.inference.compare.schemas import ComparisonQuery
from app.inference.usage.models import ModelCall


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: ComparisonQuery,
    cursors: Cursors,
) -> Slice[Comparison]:
    """A person's own, newest first."""
    wanted = [Comparison.user_id == user_id]
    if query.status is not None:
        wanted.append(Comparison.status == query.status)
    return await restorable.page(session, Comparison, workspace_id, query, cursors, *wanted)


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
