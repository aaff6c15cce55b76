"""Resources of a workspace whose deletion is soft: found, listed, and brought back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, ForeignKey, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import RESTORABLE, Resource
from app.core.errors import RestoreExpired
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page


class Restorable(Resource):
    """A resource of a workspace; deleted, it can be brought back for 30 days."""

    __abstract__ = True

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), sort_order=-9
    )
    deleted_at: Mapped[datetime | None] = mapped_column(sort_order=80)

    @property
    def restorable_until(self) -> datetime | None:
        return self.deleted_at + RESTORABLE if self.deleted_at else None


class RestorableQuery(PageQuery):
    deleted: Annotated[bool, Field(description="List the deleted ones instead.")] = False


R = TypeVar("R", bound=Restorable)


async def find(
    session: AsyncSession,
    kind: type[R],
    workspace_id: UUID,
    resource_id: UUID,
    *,
    for_update: bool = False,
) -> R | None:
    """One, a deleted one included."""
    statement = select(kind).where(kind.workspace_id == workspace_id, kind.id == resource_id)
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


def living(kind: type[R], workspace_id: UUID) -> Select[Any]:
    return select(kind).where(kind.workspace_id == workspace_id, kind.deleted_at.is_(None))


async def all_living(
    session: AsyncSession, kind: type[R], workspace_id: UUID, *conditions: ColumnElement[bool]
) -> Sequence[R]:
    """Oldest first."""
    statement = living(kind, workspace_id).where(*conditions).order_by(kind.id)
    return (await session.scalars(statement)).all()


async def count_living(session: AsyncSession, kind: type[R], workspace_id: UUID) -> int:
    counted = living(kind, workspace_id).with_only_columns(func.count())
    return await session.scalar(counted) or 0


def listed(kind: type[R], query: RestorableQuery) -> ColumnElement[bool]:
    """The living ones, or those that are deleted, as the list is asked for."""
    return kind.deleted_at.is_not(None) if query.deleted else kind.deleted_at.is_(None)


async def page(
    session: AsyncSession,
    kind: type[R],
    workspace_id: UUID,
    query: RestorableQuery,
    cursors: Cursors,
    *conditions: ColumnElement[bool],
) -> Slice[R]:
    """Newest first."""
    return await fetch_page(
        session,
        select(kind).where(kind.workspace_id == workspace_id, listed(kind, query), *conditions),
        Keyset(kind.created_at, kind.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


async def bring_back(session: AsyncSession, resource: Restorable) -> None:
    """Have a deleted one live again; a living one stays as it is. Raises RestoreExpired."""
    expect_restorable(resource)
    resource.deleted_at = None
    await session.flush()
    await session.refresh(resource)


def expect_restorable(resource: Restorable) -> None:
    """Raises RestoreExpired for what was deleted too long ago."""
    if resource.restorable_until and resource.restorable_until < now():
        raise RestoreExpired
