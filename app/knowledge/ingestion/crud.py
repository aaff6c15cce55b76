"""A document's passages on their way to their vectors."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.knowledge.collections.crud import KIND
from app.knowledge.passages.models import Passage


async def hurry(session: AsyncSession, workspace_id: UUID, document_id: UUID) -> None:
    """Let what was put off be tried again now."""
    await session.execute(
        update(Passage)
        .where(
            Passage.workspace_id == workspace_id,
            Passage.kind == KIND,
            Passage.subject_id == document_id,
            Passage.due_at.is_not(None),
            Passage.error.is_not(None),
        )
        .values(due_at=now())
    )


async def count(session: AsyncSession, workspace_id: UUID, document_id: UUID) -> int:
    statement = select(func.count()).where(
        Passage.workspace_id == workspace_id,
        Passage.kind == KIND,
        Passage.subject_id == document_id,
    )
    return await session.scalar(statement) or 0
