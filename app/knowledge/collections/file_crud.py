"""Files that are to go, in Postgres."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.knowledge.collections.models import FileRemoval

# How long an upload may take, before its file counts as left behind.
UPLOAD: Final = timedelta(hours=24)
CLAIM: Final = timedelta(minutes=5)


async def expect(
    session: AsyncSession, workspace_id: UUID, key: str, within: timedelta = UPLOAD
) -> None:
    """Have a file removed unless a version is made of it in time."""
    row = {"key": key, "workspace_id": workspace_id, "due_at": now() + within}
    new = insert(FileRemoval).values(row)
    await session.execute(
        new.on_conflict_do_update(index_elements=["key"], set_={"due_at": row["due_at"]})
    )


async def keep(session: AsyncSession, workspace_id: UUID, key: str) -> None:
    """A file belongs to a version now, or is gone already."""
    await session.execute(
        delete(FileRemoval).where(FileRemoval.workspace_id == workspace_id, FileRemoval.key == key)
    )


async def claim_due(session: AsyncSession, most: int) -> Sequence[FileRemoval]:
    """Files to remove; under SYSTEM. They are this process's for CLAIM."""
    moment = now()
    statement = (
        select(FileRemoval)
        .where(FileRemoval.due_at <= moment)
        .order_by(FileRemoval.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = (await session.scalars(statement)).all()
    for removal in claimed:
        removal.due_at = moment + CLAIM
    await session.flush()
    return claimed


async def drop(session: AsyncSession, keys: Sequence[str]) -> None:
    """These files are gone; under SYSTEM."""
    await session.execute(delete(FileRemoval).where(FileRemoval.key.in_(keys)))
