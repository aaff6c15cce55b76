"""Passages in Postgres: kept by subject, claimed to be embedded."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, cast, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.knowledge.passages.models import Passage, VectorRemoval

CLAIM: Final = timedelta(minutes=5)


async def of_subject(
    session: AsyncSession,
    workspace_id: UUID,
    kind: str,
    subject_id: UUID,
    *,
    for_update: bool = False,
) -> Sequence[Passage]:
    """In reading order; locked in the order of `held` where they are to be changed."""
    statement = select(Passage).where(*_of(workspace_id, kind, subject_id)).order_by(Passage.id)
    if for_update:
        statement = statement.with_for_update()
    return sorted(await session.scalars(statement), key=lambda each: each.ordinal)


async def by_ids(
    session: AsyncSession, workspace_id: UUID, passage_ids: Sequence[UUID]
) -> Sequence[Passage]:
    statement = select(Passage).where(
        Passage.workspace_id == workspace_id, Passage.id.in_(passage_ids)
    )
    return (await session.scalars(statement)).all()


async def add(session: AsyncSession, passages: Sequence[Passage]) -> None:
    session.add_all(passages)
    await session.flush()


async def delete_ids(
    session: AsyncSession, workspace_id: UUID, passage_ids: Sequence[UUID]
) -> None:
    await session.execute(
        delete(Passage).where(Passage.workspace_id == workspace_id, Passage.id.in_(passage_ids))
    )


async def delete_subject(
    session: AsyncSession, workspace_id: UUID, kind: str, subject_id: UUID
) -> None:
    of_it = held(*_of(workspace_id, kind, subject_id))
    await session.execute(delete(Passage).where(Passage.id.in_(of_it)))


async def delete_parent(
    session: AsyncSession, workspace_id: UUID, kind: str, parent_id: UUID
) -> None:
    of_it = held(
        Passage.workspace_id == workspace_id,
        Passage.kind == kind,
        Passage.parent_id == parent_id,
    )
    await session.execute(delete(Passage).where(Passage.id.in_(of_it)))


async def retitle(
    session: AsyncSession, workspace_id: UUID, kind: str, subject_id: UUID, title: str
) -> None:
    """What is embedded changes with the title, and its hash as `Draft.sha256` tells it."""
    parts = (cast(title, Text), func.nullif(Passage.heading, ""), func.nullif(Passage.text, ""))
    embedded = func.convert_to(func.concat_ws("\n", *parts), "UTF8")
    await session.execute(
        update(Passage)
        .where(Passage.id.in_(held(*_of(workspace_id, kind, subject_id))))
        .values(
            title=title,
            content_sha256=func.sha256(embedded),
            due_at=now(),
            attempts=0,
            error=None,
        )
        .execution_options(synchronize_session=False)
    )


async def count_waiting(
    session: AsyncSession, workspace_id: UUID, kind: str, subject_id: UUID
) -> int:
    """How many passages of a subject have no vector yet."""
    statement = select(func.count()).where(
        *_of(workspace_id, kind, subject_id), Passage.due_at.is_not(None)
    )
    return await session.scalar(statement) or 0


async def claim_due(
    session: AsyncSession, most: int, *conditions: ColumnElement[bool]
) -> Sequence[Passage]:
    """Take passages that wait to be embedded, of one workspace and one model; under SYSTEM.

    They are this process's for CLAIM; then another one may take them.
    """
    moment = now()
    due = (Passage.due_at <= moment, *conditions)
    first = (
        select(Passage.workspace_id, Passage.embedding_model, Passage.created_by_id)
        .where(*due)
        .order_by(Passage.due_at)
        .limit(1)
    )
    found = (await session.execute(first)).one_or_none()
    if found is None:
        return ()
    statement = (
        select(Passage)
        .where(
            *due,
            Passage.workspace_id == found.workspace_id,
            Passage.embedding_model.is_not_distinct_from(found.embedding_model),
            Passage.created_by_id == found.created_by_id,
        )
        .order_by(Passage.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = (await session.scalars(statement)).all()
    for passage in claimed:
        passage.due_at = moment + CLAIM
    await session.flush()
    return claimed


async def mark_embedded(
    session: AsyncSession, passages: Sequence[Passage], space: str
) -> Sequence[UUID]:
    """Note that vectors are kept; returns the ids of passages that are as they were embedded."""
    kept = []
    for passage in sorted(passages, key=lambda each: each.id):  # as `held` locks them
        statement = (
            update(Passage)
            .where(
                Passage.id == passage.id,
                Passage.workspace_id == passage.workspace_id,
                Passage.content_sha256 == passage.content_sha256,
                Passage.embedding_model.is_not_distinct_from(passage.embedding_model),
                Passage.parent_id.is_not_distinct_from(passage.parent_id),
                Passage.user_id.is_not_distinct_from(passage.user_id),
            )
            .values(space=space, due_at=None, attempts=0, error=None)
            .returning(Passage.id)
        )
        if await session.scalar(statement) is not None:
            kept.append(passage.id)
    return kept


async def postpone(
    session: AsyncSession, passages: Sequence[Passage], until: datetime, error: str
) -> None:
    """Try these again later, and keep why it failed."""
    these = held(Passage.id.in_([passage.id for passage in passages]))
    await session.execute(
        update(Passage)
        .where(Passage.id.in_(these))
        .values(due_at=until, attempts=Passage.attempts + 1, error=error)
    )


async def embed_again(session: AsyncSession, space: str) -> None:
    """Have all passages of a space embedded, of whichever workspace: it was lost. Under SYSTEM."""
    await session.execute(
        update(Passage).where(Passage.space == space).values(space=None, due_at=now())
    )


async def drop_removals(
    session: AsyncSession, workspace_id: UUID, space: str, passage_ids: Sequence[UUID]
) -> None:
    """Note that vectors are gone; a passage that was given one meanwhile is to be given it again.

    Under SYSTEM.
    """
    await session.execute(
        delete(VectorRemoval).where(
            VectorRemoval.workspace_id == workspace_id,
            VectorRemoval.space == space,
            VectorRemoval.passage_id.in_(passage_ids),
        )
    )
    await session.execute(
        update(Passage)
        .where(
            Passage.workspace_id == workspace_id,
            Passage.space == space,
            Passage.id.in_(passage_ids),
        )
        .values(space=None, due_at=now())
    )


async def add_removals(
    session: AsyncSession, workspace_id: UUID, space: str, passage_ids: Sequence[UUID]
) -> None:
    """Have vectors taken away whose passages live on, or never came to have them."""
    for passage_id in passage_ids:
        await session.merge(
            VectorRemoval(passage_id=passage_id, space=space, workspace_id=workspace_id)
        )
    await session.flush()


async def due_removals(session: AsyncSession, most: int) -> Sequence[VectorRemoval]:
    """Vectors to take away, of one workspace and one space; under SYSTEM."""
    moment = now()
    first = (
        await session.scalars(
            select(VectorRemoval)
            .where(VectorRemoval.due_at <= moment)
            .order_by(VectorRemoval.due_at)
            .limit(1)
        )
    ).one_or_none()
    if first is None:
        return ()
    statement = (
        select(VectorRemoval)
        .where(
            VectorRemoval.due_at <= moment,
            VectorRemoval.workspace_id == first.workspace_id,
            VectorRemoval.space == first.space,
        )
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = (await session.scalars(statement)).all()
    for removal in claimed:
        removal.due_at = moment + CLAIM
    await session.flush()
    return claimed


async def existing(session: AsyncSession, passage_ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """The workspace and the id of those that are there, of whichever workspace; under SYSTEM."""
    statement = select(Passage.workspace_id, Passage.id).where(Passage.id.in_(passage_ids))
    return {(row.workspace_id, row.id) for row in await session.execute(statement)}


async def indexed(session: AsyncSession) -> Sequence[tuple[str, int]]:
    """How many passages each space has, of whichever workspace; under SYSTEM."""
    statement = (
        select(Passage.space, func.count())
        .where(Passage.space.is_not(None))
        .group_by(Passage.space)
        .order_by(Passage.space)
    )
    return [(str(row[0]), row[1]) for row in await session.execute(statement)]


def held(*conditions: ColumnElement[bool]) -> Select[tuple[UUID]]:
    """Ids of passages, locked in their order: whoever changes several never waits crosswise."""
    locked = select(Passage.id).where(*conditions).order_by(Passage.id).with_for_update().cte()
    return select(locked.c.id)


def _of(workspace_id: UUID, kind: str, subject_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        Passage.workspace_id == workspace_id,
        Passage.kind == kind,
        Passage.subject_id == subject_id,
    )
