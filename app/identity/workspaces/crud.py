"""Queries on workspaces and memberships."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Permission
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.identity.workspaces.models import ROLE_OF_MEMBER, CustomRole, Membership, Workspace
from app.identity.workspaces.roles import Role, permissions_of
from app.identity.workspaces.schemas import WorkspaceQuery


@dataclass(frozen=True, slots=True)
class Place:
    """Someone's place in a workspace, and what the role allows there."""

    workspace: Workspace
    membership: Membership
    custom_permissions: list[str] | None

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.membership.role, self.custom_permissions)


def _places() -> Select[Workspace, Membership, list[Any]]:
    return (
        select(Workspace, Membership, CustomRole.permissions)
        .join(Membership, Membership.workspace_id == Workspace.id)
        .outerjoin(CustomRole, ROLE_OF_MEMBER)
    )


async def place(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Place | None:
    """A user's place in a workspace, also in a deleted one; None for one the user is not in."""
    found = await session.execute(
        _places()
        .where(Workspace.id == workspace_id, Membership.user_id == user_id)
        .order_by(Membership.id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    row = found.one_or_none()
    return Place(row[0], row[1], row[2]) if row else None


async def lock(session: AsyncSession, workspace_id: UUID) -> Workspace | None:
    """The workspace, kept as it is until the transaction ends: who owns it is decided by turns."""
    workspace: Workspace | None = await session.scalar(
        select(Workspace)
        .where(Workspace.id == workspace_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return workspace


async def page(
    session: AsyncSession,
    user_id: UUID,
    query: WorkspaceQuery,
    *,
    cursors: Cursors,
    only: UUID | None = None,
) -> Slice[Workspace]:
    """The workspaces of a user, newest first; `only` leaves a single one."""
    mine = select(Membership.workspace_id).where(
        Membership.user_id == user_id, Membership.suspended_at.is_(None)
    )
    if query.deleted:
        mine = mine.where(Membership.role == Role.OWNER)
    deleted = Workspace.deleted_at
    statement = select(Workspace).where(
        Workspace.id.in_(mine), deleted.is_not(None) if query.deleted else deleted.is_(None)
    )
    if only is not None:
        statement = statement.where(Workspace.id == only)
    return await fetch_page(
        session,
        statement,
        Keyset(Workspace.created_at, Workspace.id),
        query,
        cursors=cursors,
        workspace_id=user_id,
    )


async def memberships(
    session: AsyncSession, user_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, Membership]:
    """The user's membership of each of these workspaces."""
    found = await session.scalars(
        select(Membership).where(
            Membership.user_id == user_id, Membership.workspace_id.in_(list(ids))
        )
    )
    return {membership.workspace_id: membership for membership in found}


async def personal(session: AsyncSession, user_id: UUID) -> Workspace | None:
    """The user's own first workspace."""
    workspace: Workspace | None = await session.scalar(
        select(Workspace)
        .join(Membership, Membership.workspace_id == Workspace.id)
        .where(
            Workspace.kind == "personal",
            Membership.user_id == user_id,
            Membership.role == Role.OWNER,
        )
        .order_by(Workspace.id)
        .limit(1)
    )
    return workspace


async def any_deleted(session: AsyncSession) -> bool:
    """Whether a workspace is deleted and not gone yet; the session is the system's."""
    deleted = select(Workspace.id).where(Workspace.deleted_at.is_not(None)).limit(1)
    return await session.scalar(deleted) is not None


async def deleted_before(session: AsyncSession, before: datetime, most: int) -> Sequence[UUID]:
    """Workspaces that were deleted before a time; the session is the system's."""
    found = await session.scalars(
        select(Workspace.id)
        .where(Workspace.deleted_at < before)
        .order_by(Workspace.deleted_at)
        .limit(most)
    )
    return found.all()


async def add(session: AsyncSession, workspace: Workspace, owner_id: UUID) -> Membership:
    """Store a workspace together with its owner."""
    session.add(workspace)
    await session.flush()
    membership = Membership(workspace_id=workspace.id, user_id=owner_id, role=Role.OWNER)
    session.add(membership)
    await session.flush()
    return membership
