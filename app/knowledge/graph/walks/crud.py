"""Entities by their ids, as they are shown."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.graph.models import GraphEntity
from app.knowledge.graph.sight import Sight
from app.knowledge.graph.told import Shown, shown

PORTION = 1000


async def shown_by_id(
    session: AsyncSession, sight: Sight, entity_ids: Sequence[UUID]
) -> dict[UUID, Shown]:
    """Those of the roots that are seen."""
    found: dict[UUID, Shown] = {}
    for start in range(0, len(entity_ids), PORTION):
        statement = select(GraphEntity).where(
            GraphEntity.id.in_(entity_ids[start : start + PORTION]), sight.sees_entity()
        )
        rows = (await session.scalars(statement)).all()
        found |= {each.entity.id: each for each in await shown(session, sight, rows)}
    return found
