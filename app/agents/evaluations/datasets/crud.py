"""Datasets, cases and snapshots in Postgres."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, insert, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.evaluations.datasets.models import (
    Dataset,
    DatasetCase,
    DatasetSnapshot,
    SnapshotCase,
)
from app.agents.evaluations.datasets.schemas import (
    DatasetCaseQuery,
    DatasetQuery,
    DatasetSnapshotQuery,
)
from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page


async def add(session: AsyncSession, *rows: Dataset | DatasetCase | DatasetSnapshot) -> None:
    session.add_all(rows)
    await session.flush()


async def add_cases(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await session.execute(insert(DatasetCase), rows)


async def page(
    session: AsyncSession, workspace_id: UUID, query: DatasetQuery, cursors: Cursors
) -> Slice[Dataset]:
    return await restorable.page(session, Dataset, workspace_id, query, cursors)


async def cases(
    session: AsyncSession,
    workspace_id: UUID,
    dataset_id: UUID,
    query: DatasetCaseQuery,
    cursors: Cursors,
) -> Slice[DatasetCase]:
    statement = select(DatasetCase).where(
        DatasetCase.workspace_id == workspace_id, DatasetCase.dataset_id == dataset_id
    )
    if query.tag is not None:
        statement = statement.where(DatasetCase.tags.contains(cast([query.tag], JSONB)))
    return await fetch_page(
        session,
        statement,
        Keyset(DatasetCase.position, DatasetCase.id, descending=False),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(dataset_id),
    )


async def case(
    session: AsyncSession,
    workspace_id: UUID,
    dataset_id: UUID,
    case_id: UUID,
    *,
    for_update: bool = False,
) -> DatasetCase | None:
    statement = select(DatasetCase).where(
        DatasetCase.workspace_id == workspace_id,
        DatasetCase.dataset_id == dataset_id,
        DatasetCase.id == case_id,
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def remove(session: AsyncSession, row: DatasetCase) -> None:
    await session.delete(row)
    await session.flush()


async def last_position(session: AsyncSession, workspace_id: UUID, dataset_id: UUID) -> int:
    statement = select(func.coalesce(func.max(DatasetCase.position), 0)).where(
        DatasetCase.workspace_id == workspace_id, DatasetCase.dataset_id == dataset_id
    )
    return await session.scalar(statement) or 0


async def count(session: AsyncSession, workspace_id: UUID, dataset_id: UUID) -> int:
    statement = select(func.count()).where(
        DatasetCase.workspace_id == workspace_id, DatasetCase.dataset_id == dataset_id
    )
    return await session.scalar(statement) or 0


async def taken_runs(
    session: AsyncSession, workspace_id: UUID, dataset_id: UUID, run_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of the runs that the dataset has a case of."""
    statement = select(DatasetCase.run_id).where(
        DatasetCase.workspace_id == workspace_id,
        DatasetCase.dataset_id == dataset_id,
        DatasetCase.run_id.in_(run_ids),
    )
    return {each for each in await session.scalars(statement) if each is not None}


async def digests(
    session: AsyncSession, workspace_id: UUID, dataset_id: UUID, tags: Sequence[str]
) -> Sequence[tuple[UUID, str]]:
    """Of the cases with one of the tags (without tags of all), in their order."""
    statement = (
        select(DatasetCase.id, DatasetCase.digest)
        .where(DatasetCase.workspace_id == workspace_id, DatasetCase.dataset_id == dataset_id)
        .order_by(DatasetCase.position)
    )
    if tags:
        statement = statement.where(_has_one(tags))
    return [(row.id, row.digest) for row in await session.execute(statement)]


def _has_one(tags: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(DatasetCase.tags.contains(cast([tag], JSONB)) for tag in tags))


async def snapshot(
    session: AsyncSession, workspace_id: UUID, dataset_id: UUID, digest: str
) -> DatasetSnapshot | None:
    statement = select(DatasetSnapshot).where(
        DatasetSnapshot.workspace_id == workspace_id,
        DatasetSnapshot.dataset_id == dataset_id,
        DatasetSnapshot.digest == digest,
    )
    return (await session.scalars(statement)).one_or_none()


async def snapshots(
    session: AsyncSession,
    workspace_id: UUID,
    dataset_id: UUID,
    query: DatasetSnapshotQuery,
    cursors: Cursors,
) -> Slice[DatasetSnapshot]:
    return await fetch_page(
        session,
        select(DatasetSnapshot).where(
            DatasetSnapshot.workspace_id == workspace_id, DatasetSnapshot.dataset_id == dataset_id
        ),
        Keyset(DatasetSnapshot.created_at, DatasetSnapshot.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(dataset_id),
    )


async def copy_cases(
    session: AsyncSession, workspace_id: UUID, snapshot_id: UUID, case_ids: Sequence[UUID]
) -> None:
    """Pin these cases as they are."""
    held = ("position", "user_id", "input", "variables", "expected", "tags", "labels", "digest")
    columns = [getattr(DatasetCase, name) for name in held]
    chosen = select(
        func.gen_random_uuid(),
        DatasetCase.workspace_id,
        literal(snapshot_id),
        DatasetCase.id,
        *columns,
    ).where(DatasetCase.workspace_id == workspace_id, DatasetCase.id.in_(case_ids))
    names = ["id", "workspace_id", "snapshot_id", "case_id", *held]
    targets = [getattr(SnapshotCase, name) for name in names]
    await session.execute(insert(SnapshotCase).from_select(targets, chosen))


async def pinned(
    session: AsyncSession, workspace_id: UUID, snapshot_id: UUID
) -> Sequence[SnapshotCase]:
    """The cases of a snapshot in their order."""
    statement = (
        select(SnapshotCase)
        .where(SnapshotCase.workspace_id == workspace_id, SnapshotCase.snapshot_id == snapshot_id)
        .order_by(SnapshotCase.position)
    )
    return (await session.scalars(statement)).all()
