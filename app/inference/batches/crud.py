"""Batches, their lines and their parts in Postgres."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app.core.clock import now
from app.core.ids import new_id
from app.core.json_limits import storable
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.batches.models import Batch, BatchLine, BatchPart
from app.inference.batches.schemas import BatchQuery

OPEN = ("pending", "submitted")
ENDED = ("succeeded", "failed")
ROWS_AT_ONCE = 1000
BYTES_AT_ONCE = 8 * 1024 * 1024


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
    session: AsyncSession,
    workspace_id: UUID,
    after: UUID | None,
    limit: int,
    *,
    before: UUID | None = None,
    endpoint: str | None = None,
) -> Sequence[Batch]:
    """As vendors list them: ids are in the order of time. `before` asks for those just above it."""
    statement = select(Batch).where(Batch.workspace_id == workspace_id)
    if endpoint is not None:
        statement = statement.where(Batch.endpoint == endpoint)
    if after is not None:
        statement = statement.where(Batch.id < after)
    if before is None:
        return (await session.scalars(statement.order_by(Batch.id.desc()).limit(limit))).all()
    statement = statement.where(Batch.id > before).order_by(Batch.id)
    return [*reversed((await session.scalars(statement.limit(limit))).all())]


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


async def is_pending(session: AsyncSession, line: BatchLine) -> bool:
    """Whether nobody has answered a line meanwhile."""
    statement = select(BatchLine.status).where(
        BatchLine.id == line.id, BatchLine.workspace_id == line.workspace_id
    )
    return await session.scalar(statement) == "pending"


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
    """The next lines with these outcomes, in order: as many as may be held at once."""
    wanted = (
        BatchLine.workspace_id == workspace_id,
        BatchLine.batch_id == batch_id,
        BatchLine.status.in_(statuses),
        BatchLine.position > after,
    )
    size = func.coalesce(func.octet_length(cast(BatchLine.answer, Text)), 0)
    sizes = select(BatchLine.position, size).where(*wanted)
    last, held = after, 0
    page = sizes.order_by(BatchLine.position).limit(ROWS_AT_ONCE // 2)
    for position, length in await session.execute(page):
        if last > after and held + length > BYTES_AT_ONCE:
            break
        last, held = position, held + length
    statement = select(BatchLine).where(*wanted, BatchLine.position <= last)
    lines = await session.scalars(
        statement.order_by(BatchLine.position).options(defer(BatchLine.body))
    )
    return lines.all()


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
        .values(status=status, status_code=code, answer=storable(answer), updated_at=now())
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


async def add_part(session: AsyncSession, part: BatchPart, requests: Mapping[UUID, UUID]) -> None:
    """Write down which lines a provider is about to be handed, with their requests' ids.

    Once more, where nobody knows whether it was committed, it is the same.
    """
    await session.merge(part)
    await session.flush()
    for line_id, request_id in requests.items():
        await session.execute(
            update(BatchLine)
            .where(BatchLine.id == line_id, BatchLine.workspace_id == part.workspace_id)
            .values(status="submitted", part_id=part.id, request_id=request_id, updated_at=now())
            .execution_options(synchronize_session=False)
        )


async def mark_handing_over(session: AsyncSession, batch: Batch, *, begun: bool) -> None:
    """Write down that lines are being let in that a provider is to have, or that all are there."""
    await session.execute(
        update(Batch)
        .where(Batch.id == batch.id, Batch.workspace_id == batch.workspace_id)
        .values(handing_over=begun)
        .execution_options(synchronize_session=False)
    )


async def is_handing_over(session: AsyncSession, workspace_id: UUID, batch_id: UUID) -> bool:
    statement = select(Batch.handing_over).where(
        Batch.workspace_id == workspace_id, Batch.id == batch_id
    )
    return bool(await session.scalar(statement))


async def name_part(session: AsyncSession, part: BatchPart, upstream_id: str) -> bool:
    """Keep the provider's name of a batch; False where the part has been given up meanwhile."""
    return await _change_open(session, part, upstream_id=upstream_id)


async def end_part(session: AsyncSession, part: BatchPart) -> bool:
    """False where it has been ended before."""
    return await _change_open(session, part, done=True)


async def _change_open(session: AsyncSession, part: BatchPart, **values: object) -> bool:
    """Change a part that is not done; False where it is."""
    changed = await session.scalars(
        update(BatchPart)
        .where(
            BatchPart.id == part.id,
            BatchPart.workspace_id == part.workspace_id,
            BatchPart.done.is_(False),
        )
        .values(**values, updated_at=now())
        .returning(BatchPart.id)
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None


async def part_names(session: AsyncSession, workspace_id: UUID, since: datetime) -> Sequence[str]:
    """What providers call the parts that were made lately."""
    statement = select(BatchPart.upstream_id).where(
        BatchPart.workspace_id == workspace_id,
        BatchPart.created_at >= since,
        BatchPart.upstream_id.is_not(None),
    )
    return [name for name in await session.scalars(statement) if name is not None]


async def open_parts(
    session: AsyncSession, workspace_id: UUID, batch_id: UUID
) -> Sequence[BatchPart]:
    statement = select(BatchPart).where(
        BatchPart.workspace_id == workspace_id,
        BatchPart.batch_id == batch_id,
        BatchPart.done.is_(False),
    )
    return (await session.scalars(statement.order_by(BatchPart.id))).all()


async def lines_of_part(session: AsyncSession, part: BatchPart) -> Sequence[BatchLine]:
    """All of them, ended or not, without what was asked and answered."""
    statement = select(BatchLine).where(
        BatchLine.workspace_id == part.workspace_id,
        BatchLine.batch_id == part.batch_id,
        BatchLine.part_id == part.id,
    )
    lines = await session.scalars(
        statement.order_by(BatchLine.position).options(
            defer(BatchLine.body), defer(BatchLine.answer)
        )
    )
    return lines.all()


async def release_lines(session: AsyncSession, part: BatchPart) -> None:
    """Have the lines of a part that came to nothing asked in another way."""
    await session.execute(
        update(BatchLine)
        .where(
            BatchLine.workspace_id == part.workspace_id,
            BatchLine.part_id == part.id,
            BatchLine.status == "submitted",
        )
        .values(status="pending", part_id=None, request_id=None, updated_at=now())
        .execution_options(synchronize_session=False)
    )


async def submitted_requests(
    session: AsyncSession, workspace_id: UUID, batch_id: UUID
) -> Sequence[UUID]:
    """The requests of a batch that a provider has yet to answer."""
    statement = select(BatchLine.request_id).where(
        BatchLine.workspace_id == workspace_id,
        BatchLine.batch_id == batch_id,
        BatchLine.part_id.in_(
            select(BatchPart.id).where(BatchPart.batch_id == batch_id, BatchPart.done.is_(False))
        ),
    )
    return [found for found in await session.scalars(statement) if found is not None]
