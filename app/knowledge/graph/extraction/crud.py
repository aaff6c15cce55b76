"""What has been read of which collections, dictionaries and conversations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.core.clock import now
from app.identity.workspaces.models import Membership
from app.knowledge.graph.models import GraphOrphan, GraphReading, GraphSchema
from app.knowledge.passages.models import Passage
from app.runs.runs.models import Run

# How long a schema rests after a run of it that failed.
REST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Unread:
    """Passages of these parents that were not read by this extractor like that.

    With `at_all` any reading of this `version` counts, also with other terms. Messages of
    others in shared conversations are read by their owner alone (`user_id`).
    """

    workspace_id: UUID
    user_id: UUID
    parent_ids: Sequence[UUID]
    extractor: str
    fingerprint: str
    at_all: str | None = None

    def statement(self, *columns: Any) -> Select[Any]:
        return select(*columns).where(
            Passage.workspace_id == self.workspace_id,
            Passage.parent_id.in_(self.parent_ids),
            or_(Passage.user_id.is_(None), Passage.user_id == self.user_id),
            ~self._read(),
        )

    def _read(self) -> ColumnElement[bool]:
        if self.at_all is None:
            same = GraphReading.fingerprint == self.fingerprint
        else:
            same = GraphReading.fingerprint.startswith(self.at_all, autoescape=True)
        return (
            select(GraphReading.passage_id)
            .where(
                GraphReading.passage_id == Passage.id,
                GraphReading.extractor == self.extractor,
                same,
            )
            .exists()
        )


async def count(session: AsyncSession, unread: Unread) -> tuple[int, int]:
    """How many passages, and how many characters they have."""
    sizes = func.coalesce(func.sum(func.length(Passage.text)), 0)
    row = (await session.execute(unread.statement(func.count(), sizes))).one()
    return row[0], int(row[1])


async def next_of(
    session: AsyncSession, unread: Unread, after: UUID | None, most: int
) -> Sequence[Passage]:
    """The next passages by their ids."""
    statement = unread.statement(Passage).order_by(Passage.id).limit(most)
    if after is not None:
        statement = statement.where(Passage.id > after)
    return (await session.scalars(statement)).all()


async def idle_schemas(
    session: AsyncSession, after: UUID | None, most: int
) -> Sequence[GraphSchema]:
    """Automatic schemas of members, of which no run is under way or has just failed.

    Under SYSTEM.
    """
    there = select(Membership.id).where(
        Membership.workspace_id == GraphSchema.workspace_id,
        Membership.user_id == GraphSchema.owner_id,
        Membership.suspended_at.is_(None),
    )
    statement = (
        select(GraphSchema)
        .where(
            GraphSchema.automatic,
            GraphSchema.deleted_at.is_(None),
            GraphSchema.parent_id.is_not(None),
            there.exists(),
            ~_is_busy(),
        )
        .order_by(GraphSchema.id)
        .limit(most)
    )
    if after is not None:
        statement = statement.where(GraphSchema.id > after)
    return (await session.scalars(statement)).all()


async def take_schema(session: AsyncSession, schema_id: UUID) -> GraphSchema | None:
    """Of processes that look at the same time one gets it, as long as it is idle."""
    own = GraphSchema.id == schema_id
    held = select(GraphSchema).where(own).with_for_update(skip_locked=True)
    if (await session.scalars(held)).one_or_none() is None:
        return None
    # Asked once it is held: whoever held it before may have begun a run.
    still = select(GraphSchema).where(own, GraphSchema.automatic, ~_is_busy())
    return (await session.scalars(still)).one_or_none()


def _is_busy() -> ColumnElement[bool]:
    """Whether a run of a schema is under way, or has just failed."""
    other = aliased(Run)
    return (
        select(other.id)
        .where(
            other.subject_id == GraphSchema.id,
            or_(
                other.status.in_(("queued", "running")),
                (other.status != "completed") & (other.ended_at > now() - REST),
            ),
        )
        .exists()
    )


async def take_orphans(session: AsyncSession, most: int) -> Sequence[GraphOrphan]:
    """What is to be looked at again, taken off the list; under SYSTEM."""
    statement = select(GraphOrphan).limit(most).with_for_update(skip_locked=True)
    found = (await session.scalars(statement)).all()
    for each in found:
        await session.delete(each)
    await session.flush()
    return found
