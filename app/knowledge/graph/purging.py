"""What was deleted by hand goes for good once it can be restored no more, and what told of it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM, Database
from app.core.jobs import Job
from app.knowledge.graph.models import GraphEntity, GraphMerge, GraphRelation, GraphSchema
from app.knowledge.graph.telling import take_turn

JOB: Final = "graph_purge"
# A restoration that began in time is over by then.
MARGIN: Final = timedelta(hours=1)
AT_ONCE: Final = 50

Kind = type[GraphEntity] | type[GraphRelation]


def purge_job(database: Database) -> Job:
    async def act() -> None:
        before = now() - RESTORABLE - MARGIN
        for kind in (GraphRelation, GraphEntity):
            while await _purge_some(database, kind, before):
                pass
        async with database.unit(SYSTEM) as session:
            await session.execute(delete(GraphSchema).where(GraphSchema.deleted_at < before))

    return Job(JOB, timedelta(hours=1), act)


async def _purge_some(database: Database, kind: Kind, before: datetime) -> bool:
    """Delete some of one workspace, with what they are shown for; whether there were any."""
    async with database.unit(SYSTEM) as session:
        first = select(kind.workspace_id).where(_is_expired(kind, before)).limit(1)
        workspace_id = await session.scalar(first)
        if workspace_id is None:
            return False
        await take_turn(session, workspace_id)
        roots = select(kind.id).where(_is_expired(kind, before), kind.workspace_id == workspace_id)
        shown_as = list(await session.scalars(roots.limit(AT_ONCE)))
        gone = list(await session.scalars(select(kind.id).where(kind.root_id.in_(shown_as))))
        if kind is GraphEntity:
            await _forget_merges(session, workspace_id, gone)
        await session.execute(delete(kind).where(kind.id.in_(gone)))
    return True


def _is_expired(kind: Kind, before: datetime) -> ColumnElement[bool]:
    return and_(kind.deleted_at < before, kind.root_id == kind.id)


async def _forget_merges(session: AsyncSession, workspace_id: UUID, entity_ids: list[UUID]) -> None:
    """Those that can be undone no more, for one of their entities is gone."""
    names = cast([str(each) for each in entity_ids], ARRAY(Text))
    told = or_(
        GraphMerge.entity_id.in_(entity_ids),
        GraphMerge.from_id.in_(entity_ids),
        func.jsonb_exists_any(GraphMerge.entity_ids, names),
    )
    await session.execute(delete(GraphMerge).where(GraphMerge.workspace_id == workspace_id, told))
