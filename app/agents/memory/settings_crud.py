"""How a workspace remembers, in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Integer, case, cast, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.memory.facts import MULTI_VALUED
from app.agents.memory.models import MemorySettings
from app.core.ids import new_id
from app.runs.runs.models import Run


async def get(session: AsyncSession, workspace_id: UUID) -> MemorySettings | None:
    statement = select(MemorySettings).where(MemorySettings.workspace_id == workspace_id)
    return (await session.scalars(statement)).one_or_none()


async def made(session: AsyncSession, workspace_id: UUID) -> MemorySettings:
    """The workspace's row, which may be new."""
    fresh = insert(MemorySettings).values(id=new_id(), **usual(workspace_id))
    await session.execute(fresh.on_conflict_do_nothing(index_elements=["workspace_id"]))
    statement = select(MemorySettings).where(MemorySettings.workspace_id == workspace_id)
    return (await session.scalars(statement.with_for_update())).one()


def usual(workspace_id: UUID) -> dict[str, object]:
    """What holds where nobody has set anything."""
    return {
        "workspace_id": workspace_id,
        "enabled": False,
        "model": None,
        "daily_usd": None,
        "daily_tokens": None,
        "review": "auto",
        "multi_valued": list(MULTI_VALUED),
    }


async def multi_valued(session: AsyncSession, workspace_id: UUID) -> Sequence[str]:
    """The predicates that may have several objects at a time."""
    found = await get(session, workspace_id)
    return MULTI_VALUED if found is None else found.multi_valued


async def spent_since(
    session: AsyncSession, workspace_id: UUID, kind: str, since: datetime
) -> tuple[Decimal, int]:
    """US dollars and tokens of all runs of a kind; those under way with what they may take."""
    under_way = Run.status.in_(("queued", "running", "paused"))
    most = cast(Run.input["most_tokens"].astext, Integer)
    tokens = case((under_way, most), else_=Run.input_tokens + Run.output_tokens)
    statement = select(func.sum(Run.cost_usd), func.sum(tokens)).where(
        Run.workspace_id == workspace_id, Run.kind == kind, Run.created_at >= since
    )
    row = (await session.execute(statement)).one()
    return row[0] or Decimal(0), int(row[1] or 0)
