"""What came to triggers, in Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.triggers.models import WorkflowDelivery
from app.automation.triggers.schemas import WorkflowDeliveryQuery
from app.core.clock import now
from app.core.paging import Cursors, Keyset, Slice, fetch_page

D = WorkflowDelivery
# How many of each trigger are kept, and for how long at least: until then the same is known again.
KEPT: Final = 100
KEPT_FOR: Final = timedelta(days=2)


async def add(session: AsyncSession, **values: Any) -> UUID | None:
    """Its id; None where the trigger has one with this key."""
    made: UUID | None = await session.scalar(
        insert(D)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["trigger_id", "key"])
        .returning(D.id)
    )
    return made


async def get(
    session: AsyncSession, workspace_id: UUID, trigger_id: UUID, delivery_id: UUID
) -> WorkflowDelivery | None:
    statement = select(D).where(
        D.workspace_id == workspace_id, D.trigger_id == trigger_id, D.id == delivery_id
    )
    return (await session.scalars(statement)).one_or_none()


async def of_key(
    session: AsyncSession, workspace_id: UUID, trigger_id: UUID, key: str
) -> WorkflowDelivery | None:
    statement = select(D).where(
        D.workspace_id == workspace_id, D.trigger_id == trigger_id, D.key == key
    )
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    trigger_id: UUID,
    query: WorkflowDeliveryQuery,
    cursors: Cursors,
) -> Slice[WorkflowDelivery]:
    """Newest first."""
    statement = select(D).where(D.workspace_id == workspace_id, D.trigger_id == trigger_id)
    if query.status is not None:
        statement = statement.where(D.status == query.status)
    return await fetch_page(
        session,
        statement,
        Keyset(D.created_at, D.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(trigger_id),
    )


async def claim(
    session: AsyncSession, ids: Collection[UUID], *, until: datetime
) -> Sequence[WorkflowDelivery]:
    """Have those that are locked started by this process until `until`; under SYSTEM."""
    if not ids:
        return []
    taken = await session.scalars(
        update(D)
        .where(D.id.in_(ids))
        .values(due_at=until, attempts=D.attempts + 1)
        .returning(D)
        .execution_options(synchronize_session=False)
    )
    return taken.all()


async def settle(
    session: AsyncSession, workspace_id: UUID, delivery_id: UUID, **values: Any
) -> bool:
    """Write down what came of a pending one; False where that is known already."""
    found = await session.scalars(
        update(D)
        .where(D.workspace_id == workspace_id, D.id == delivery_id, D.status == "pending")
        .values(**values)
        .returning(D.id)
        .execution_options(synchronize_session=False)
    )
    return found.one_or_none() is not None


async def again(session: AsyncSession, workspace_id: UUID, delivery_id: UUID) -> bool:
    """Have one that came to nothing tried anew; False for any other."""
    found = await session.scalars(
        update(D)
        .where(
            D.workspace_id == workspace_id,
            D.id == delivery_id,
            D.status.in_(("skipped", "failed")),
            D.event.is_not(None),
        )
        .values(status="pending", attempts=0, due_at=now(), ended_at=None, reason=None, detail=None)
        .returning(D.id)
        .execution_options(synchronize_session=False)
    )
    return found.one_or_none() is not None


async def prune(session: AsyncSession, before: datetime, most: int) -> int:
    """Delete some beyond each trigger's last hundred, refused or older than that; under SYSTEM."""
    ranked = select(
        D.id,
        D.created_at,
        D.status,
        func.row_number()
        .over(partition_by=D.trigger_id, order_by=(D.created_at.desc(), D.id.desc()))
        .label("place"),
    ).subquery()
    old = (
        select(ranked.c.id)
        .where(
            ranked.c.place > KEPT,
            ranked.c.status != "pending",
            or_(ranked.c.created_at < before, ranked.c.status == "refused"),
        )
        .limit(most)
    )
    gone = await session.scalars(delete(D).where(D.id.in_(old)).returning(D.id))
    return len(gone.all())
