"""The audit trail in Postgres: read, checkpointed, and cleared of what is personal."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Base
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.oversight.audit.models import AuditChain, AuditCheckpoint, AuditKey, AuditLog
from app.oversight.audit.schemas import AuditFilters, AuditLogQuery

Columns = TypeVarTuple("Columns")

# One checkpoint of a chain at a time; the number tells this lock from other uses.
_LOCK = text("select pg_advisory_xact_lock(7203, hashtext(:workspace))")
_ERASE = text("""
    update audit_logs set
        subject_ids = array_remove(subject_ids, cast(:person as uuid)),
        erasable = (
            select coalesce(jsonb_object_agg(name, entry), '{}')
            from jsonb_each(erasable) as held (name, entry)
            where entry ->> 'subject' is distinct from cast(:person as uuid)::text
        )
    where id in (
        select id from audit_logs where subject_ids @> array[cast(:person as uuid)] limit :most
    )
    returning workspace_id
""")
_PRUNE = text("select luminous_prune_audit(:checkpoint)")


def filtered(filters: AuditFilters) -> ColumnElement[bool]:
    """What the filters of a list or an export let through."""
    equal = ("action", "actor_id", "resource_type", "resource_id", "outcome", "request_id")
    rules = [
        getattr(AuditLog, name) == value
        for name in equal
        if (value := getattr(filters, name)) is not None
    ]
    if filters.since is not None:
        rules.append(AuditLog.at >= filters.since)
    if filters.until is not None:
        rules.append(AuditLog.at < filters.until)
    return and_(true(), *rules)


async def page(
    session: AsyncSession, workspace_id: UUID, query: AuditLogQuery, cursors: Cursors
) -> Slice[AuditLog]:
    """Newest first."""
    statement = select(AuditLog).where(AuditLog.workspace_id == workspace_id, filtered(query))
    return await fetch_page(
        session,
        statement,
        Keyset(AuditLog.sequence, AuditLog.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


async def get(session: AsyncSession, workspace_id: UUID, audit_log_id: UUID) -> AuditLog | None:
    found: AuditLog | None = await session.scalar(
        select(AuditLog).where(AuditLog.workspace_id == workspace_id, AuditLog.id == audit_log_id)
    )
    return found


async def count_shown(
    session: AsyncSession, workspace_id: UUID, filters: AuditFilters, up_to: int
) -> int:
    statement = select(func.count()).where(
        AuditLog.workspace_id == workspace_id, AuditLog.sequence <= up_to, filtered(filters)
    )
    return await session.scalar(statement) or 0


async def portion(
    session: AsyncSession, workspace_id: UUID, *, after: int, up_to: int, most: int
) -> Sequence[AuditLog]:
    """The next rows of a chain, oldest first."""
    statement = _portion(select(AuditLog), workspace_id, after, up_to, most)
    return (await session.scalars(statement)).all()


async def shown_portion(
    session: AsyncSession,
    workspace_id: UUID,
    filters: AuditFilters,
    *,
    after: int,
    up_to: int,
    most: int,
) -> Sequence[tuple[AuditLog, bool]]:
    """The next rows of a chain, oldest first, each with whether the filters let it through."""
    both = select(AuditLog, filtered(filters).label("shown"))
    statement = _portion(both, workspace_id, after, up_to, most)
    return [(row, shown) for row, shown in (await session.execute(statement)).all()]


def _portion(
    statement: Select[*Columns], workspace_id: UUID, after: int, up_to: int, most: int
) -> Select[*Columns]:
    return (
        statement.where(
            AuditLog.workspace_id == workspace_id,
            AuditLog.sequence > after,
            AuditLog.sequence <= up_to,
        )
        .order_by(AuditLog.sequence)
        .limit(most)
    )


async def chain(session: AsyncSession, workspace_id: UUID) -> AuditChain | None:
    found: AuditChain | None = await session.get(AuditChain, workspace_id)
    return found


async def known_chains(session: AsyncSession) -> Sequence[UUID]:
    """Every workspace of which anything is left of a trail."""
    parts = [select(table.workspace_id) for table in (AuditChain, AuditLog, AuditCheckpoint)]
    statement = parts[0].union(*parts[1:])
    return (await session.scalars(statement)).all()


async def chains_behind(session: AsyncSession, most: int) -> Sequence[UUID]:
    """Workspaces with rows that the last checkpoint does not count."""
    counted = (
        select(AuditCheckpoint.count)
        .where(AuditCheckpoint.workspace_id == AuditChain.workspace_id)
        .order_by(AuditCheckpoint.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(AuditChain.workspace_id)
        .where(AuditChain.count > func.coalesce(counted, 0))
        .limit(most)
    )
    return (await session.scalars(statement)).all()


async def chains_older_than(session: AsyncSession, before: datetime) -> Sequence[UUID]:
    """Workspaces whose trail begins before a time."""
    older = exists().where(AuditLog.workspace_id == AuditChain.workspace_id, AuditLog.at < before)
    statement = select(AuditChain.workspace_id).where(older)
    return (await session.scalars(statement)).all()


async def last_to_prune(
    session: AsyncSession, workspace_id: UUID, before: datetime, most: int
) -> AuditLog | None:
    """The last of the rows, at most `most`, with which the chain begins and which are older."""
    kept = (
        select(func.min(AuditLog.sequence))
        .where(AuditLog.workspace_id == workspace_id, AuditLog.at >= before)
        .scalar_subquery()
    )
    oldest = (
        select(AuditLog.sequence)
        .where(
            AuditLog.workspace_id == workspace_id,
            AuditLog.at < before,
            AuditLog.sequence < func.coalesce(kept, 2**62),
        )
        .order_by(AuditLog.sequence)
        .limit(most)
        .subquery()
    )
    found: AuditLog | None = await session.scalar(
        select(AuditLog).where(
            AuditLog.workspace_id == workspace_id,
            AuditLog.sequence == select(func.max(oldest.c.sequence)).scalar_subquery(),
        )
    )
    return found


async def prune(session: AsyncSession, checkpoint_id: UUID) -> int:
    """Delete the rows that a prune checkpoint stands for; how many there were."""
    return await session.scalar(_PRUNE, {"checkpoint": checkpoint_id}) or 0


async def lock_checkpoints(session: AsyncSession, workspace_id: UUID) -> None:
    await session.execute(_LOCK, {"workspace": str(workspace_id)})


async def last_checkpoint(session: AsyncSession, workspace_id: UUID) -> AuditCheckpoint | None:
    found: AuditCheckpoint | None = await session.scalar(
        select(AuditCheckpoint)
        .where(AuditCheckpoint.workspace_id == workspace_id)
        .order_by(AuditCheckpoint.number.desc())
        .limit(1)
    )
    return found


async def first_number_counting(
    session: AsyncSession, workspace_id: UUID, count: int
) -> int | None:
    """The number of the first checkpoint of at least so many rows."""
    found: int | None = await session.scalar(
        select(func.min(AuditCheckpoint.number)).where(
            AuditCheckpoint.workspace_id == workspace_id, AuditCheckpoint.count >= count
        )
    )
    return found


async def checkpoints(
    session: AsyncSession, workspace_id: UUID, *, after: int, up_to: int, most: int
) -> Sequence[AuditCheckpoint]:
    """The next checkpoints of a chain by number."""
    statement = (
        select(AuditCheckpoint)
        .where(
            AuditCheckpoint.workspace_id == workspace_id,
            AuditCheckpoint.number > after,
            AuditCheckpoint.number <= up_to,
        )
        .order_by(AuditCheckpoint.number)
        .limit(most)
    )
    return (await session.scalars(statement)).all()


async def checkpoint_page(
    session: AsyncSession, workspace_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[AuditCheckpoint]:
    """Newest first."""
    return await fetch_page(
        session,
        select(AuditCheckpoint).where(AuditCheckpoint.workspace_id == workspace_id),
        Keyset(AuditCheckpoint.number, AuditCheckpoint.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


async def keys(session: AsyncSession) -> Sequence[AuditKey]:
    """Every signing key, the newest first."""
    return (await session.scalars(select(AuditKey).order_by(AuditKey.created_at.desc()))).all()


async def add(session: AsyncSession, row: Base) -> None:
    session.add(row)
    await session.flush()


async def erase(session: AsyncSession, person: UUID, most: int) -> Sequence[UUID]:
    """Drop the salts and values about a person from up to `most` rows; their workspaces."""
    return (await session.scalars(_ERASE, {"person": person, "most": most})).all()
