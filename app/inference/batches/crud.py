"""Files, batches and lines in Postgres."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.core.clock import now
from app.core.ids import new_id
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.batches.models import Batch, BatchLine, StoredFile
from app.inference.batches.schemas import BatchQuery

OPEN = ("pending", "submitted")
ENDED = ("succeeded", "failed")
ROWS_AT_ONCE = 1000


async def get(
    session: AsyncSession, workspace_id: UUID, batch_id: UUID, *, for_update: bool = False
) -> Batch | None:
    statement = select(Batch).where(Batch.workspace_id == workspace_id, Batch.id == batch_id)
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession, workspace_id: UUID, query: BatchQuery, cursors: Cursors
) -> Slice[Batch]:
    statement = select(Batch).where(Batch.workspace_id == workspace_id)
    if query.status is not None:
        statement = statement.where(Batch.status == query.status)
    keyset = Keyset(Batch.created_at, Batch.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def newest(
    session: AsyncSession, workspace_id: UUID, after: UUID | None, limit: int
) -> Sequence[Batch]:
    """As OpenAI lists them: ids are in the order of time."""
    statement = select(Batch).where(Batch.workspace_id == workspace_id)
    if after is not None:
        statement = statement.where(Batch.id < after)
    return (await session.scalars(statement.order_by(Batch.id.desc()).limit(limit))).all()


async def add(session: AsyncSession, batch: Batch, lines: Sequence[dict[str, Any]]) -> Batch:
    session.add(batch)
    await session.flush()
    moment = now()
    rows = [
        {
            "id": new_id(),
            "workspace_id": batch.workspace_id,
            "batch_id": batch.id,
            "position": position,
            "custom_id": line["custom_id"],
            "url": line["url"],
            "body": line["body"],
            "status": "pending",
            "created_at": moment,
            "updated_at": moment,
        }
        for position, line in enumerate(lines, 1)
    ]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        await session.execute(insert(BatchLine), rows[start : start + ROWS_AT_ONCE])
    return batch


async def pending(
    session: AsyncSession, workspace_id: UUID, batch_id: UUID, after: int, limit: int
) -> Sequence[BatchLine]:
    """The next lines that nobody has answered, in order."""
    statement = select(BatchLine).where(
        BatchLine.workspace_id == workspace_id,
        BatchLine.batch_id == batch_id,
        BatchLine.status == "pending",
        BatchLine.position > after,
    )
    return (await session.scalars(statement.order_by(BatchLine.position).limit(limit))).all()


async def ended(
    session: AsyncSession,
    workspace_id: UUID,
    batch_id: UUID,
    statuses: Sequence[str],
    after: int,
) -> Sequence[BatchLine]:
    """The next lines with these outcomes, in order."""
    statement = select(BatchLine).where(
        BatchLine.workspace_id == workspace_id,
        BatchLine.batch_id == batch_id,
        BatchLine.status.in_(statuses),
        BatchLine.position > after,
    )
    return (
        await session.scalars(statement.order_by(BatchLine.position).limit(ROWS_AT_ONCE // 2))
    ).all()


async def end_line(
    session: AsyncSession, line: BatchLine, status: str, code: int, answer: Any
) -> None:
    """Write an outcome down and count it; the first one counts."""
    changed = await session.scalars(
        update(BatchLine)
        .where(
            BatchLine.id == line.id,
            BatchLine.workspace_id == line.workspace_id,
            BatchLine.status.in_(OPEN),
        )
        .values(status=status, status_code=code, answer=answer, updated_at=now())
        .returning(BatchLine.id)
        .execution_options(synchronize_session=False)
    )
    if changed.first() is None:
        return
    column = Batch.succeeded if status == "succeeded" else Batch.failed
    await session.execute(
        update(Batch)
        .where(Batch.id == line.batch_id, Batch.workspace_id == line.workspace_id)
        .values({column: column + 1})
        .execution_options(synchronize_session=False)
    )


async def close_open(session: AsyncSession, workspace_id: UUID, batch_id: UUID, status: str) -> int:
    """End the lines that nobody will answer any more; how many there were."""
    closed = await session.scalars(
        update(BatchLine)
        .where(
            BatchLine.workspace_id == workspace_id,
            BatchLine.batch_id == batch_id,
            BatchLine.status.in_(OPEN),
        )
        .values(status=status, updated_at=now())
        .returning(BatchLine.id)
        .execution_options(synchronize_session=False)
    )
    return len(closed.all())


async def answered_bytes(
    session: AsyncSession, workspace_id: UUID, batch_id: UUID, status: str
) -> int:
    """About how large the results with this outcome are."""
    size = func.coalesce(func.sum(func.length(cast(BatchLine.answer, Text))), 0)
    statement = select(size).where(
        BatchLine.workspace_id == workspace_id,
        BatchLine.batch_id == batch_id,
        BatchLine.status == status,
    )
    return int(await session.scalar(statement) or 0)


async def add_file(session: AsyncSession, file: StoredFile) -> StoredFile:
    session.add(file)
    await session.flush()
    return file


async def get_file(
    session: AsyncSession, workspace_id: UUID, file_id: UUID, *, with_content: bool = False
) -> StoredFile | None:
    statement = select(StoredFile).where(
        StoredFile.workspace_id == workspace_id, StoredFile.id == file_id
    )
    if with_content:
        statement = statement.options(undefer(StoredFile.content))
    return (await session.scalars(statement)).one_or_none()


async def files(
    session: AsyncSession, workspace_id: UUID, purpose: str | None, after: UUID | None, limit: int
) -> Sequence[StoredFile]:
    """Newest first, as OpenAI lists them."""
    statement = select(StoredFile).where(StoredFile.workspace_id == workspace_id)
    if purpose is not None:
        statement = statement.where(StoredFile.purpose == purpose)
    if after is not None:
        statement = statement.where(StoredFile.id < after)
    return (await session.scalars(statement.order_by(StoredFile.id.desc()).limit(limit))).all()


async def delete_file(session: AsyncSession, file: StoredFile) -> None:
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
