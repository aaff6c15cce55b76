"""Files in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.inference.batches.models import StoredFile


async def add(session: AsyncSession, file: StoredFile) -> StoredFile:
    session.add(file)
    await session.flush()
    return file


async def get(
    session: AsyncSession, workspace_id: UUID, file_id: UUID, *, with_content: bool = False
) -> StoredFile | None:
    statement = select(StoredFile).where(
        StoredFile.workspace_id == workspace_id, StoredFile.id == file_id
    )
    if with_content:
        statement = statement.options(undefer(StoredFile.content))
    return (await session.scalars(statement)).one_or_none()


async def newest(
    session: AsyncSession, workspace_id: UUID, purpose: str | None, after: UUID | None, limit: int
) -> Sequence[StoredFile]:
    """Newest first, as OpenAI lists them."""
    statement = select(StoredFile).where(StoredFile.workspace_id == workspace_id)
    if purpose is not None:
        statement = statement.where(StoredFile.purpose == purpose)
    if after is not None:
        statement = statement.where(StoredFile.id < after)
    return (await session.scalars(statement.order_by(StoredFile.id.desc()).limit(limit))).all()


async def remove(session: AsyncSession, file: StoredFile) -> None:
    await session.execute(
        delete(StoredFile).where(
            StoredFile.id == file.id, StoredFile.workspace_id == file.workspace_id
        )
    )


async def stored_bytes(session: AsyncSession, workspace_id: UUID) -> int:
    """What the files of a workspace take together."""
    statement = select(func.coalesce(func.sum(StoredFile.size), 0)).where(
        StoredFile.workspace_id == workspace_id
    )
    return int(await session.scalar(statement) or 0)
