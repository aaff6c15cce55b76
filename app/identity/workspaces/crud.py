"""Queries on workspaces and memberships."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.workspaces.models import Membership, Workspace
from app.identity.workspaces.roles import Role


async def get(
    session: AsyncSession, workspace_id: UUID, user_id: UUID
) -> tuple[Workspace, str] | None:
    """A workspace and the user's role in it; None for one that the user is not in."""
    found = await session.execute(
        select(Workspace, Membership.role)
        .join(Membership, Membership.workspace_id == Workspace.id)
        .where(Workspace.id == workspace_id, Membership.user_id == user_id)
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row else None


async def page(
    session: AsyncSession,
    user_id: UUID,
    query: PageQuery,
    *,
    cursors: Cursors,
    only: UUID | None = None,
) -> Slice[Workspace]:
    """The workspaces of a user, newest first; `only` leaves a single one."""
    statement = select(Workspace).where(
        Workspace.id.in_(select(Membership.workspace_id).where(Membership.user_id == user_id))
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


async def roles(session: AsyncSession, user_id: UUID, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The user's role in each of these workspaces."""
    found = await session.execute(
        select(Membership.workspace_id, Membership.role).where(
            Membership.user_id == user_id, Membership.workspace_id.in_(list(ids))
        )
    )
    return {row[0]: row[1] for row in found}


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


async def add(session: AsyncSession, workspace: Workspace, owner_id: UUID) -> Workspace:
    """Store a workspace together with its owner."""
    session.add(workspace)
    await session.flush()
    session.add(Membership(workspace_id=workspace.id, user_id=owner_id, role=Role.OWNER))
    await session.flush()
    return workspace
