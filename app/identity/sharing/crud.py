"""Queries on shares."""

from uuid import UUID

from sqlalchemy import Select, and_, case, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.sharing.errors import AlreadyShared
from app.identity.sharing.models import Share
from app.identity.sharing.reach import living, reaches
from app.identity.users.models import User
from app.identity.workspaces.models import Membership, Workspace


def _of(workspace_id: UUID, resource_id: UUID) -> Select[Share]:
    return select(Share).where(Share.workspace_id == workspace_id, Share.resource_id == resource_id)


async def get(
    session: AsyncSession, workspace_id: UUID, resource_id: UUID, share_id: UUID
) -> Share | None:
    found: Share | None = await session.scalar(
        _of(workspace_id, resource_id).where(Share.id == share_id)
    )
    return found


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    resource_id: UUID,
    query: PageQuery,
    cursors: Cursors,
) -> Slice[Share]:
    """Newest first."""
    return await fetch_page(
        session,
        _of(workspace_id, resource_id),
        Keyset(Share.created_at, Share.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(resource_id),
    )


async def level(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, resource_id: UUID
) -> str | None:
    """The best level at which a resource is shared with a member; None where it is not."""
    found: str | None = await session.scalar(
        select(Share.level)
        .where(
            Share.workspace_id == workspace_id,
            Share.resource_id == resource_id,
            living(now()),
            reaches(workspace_id, user_id),
        )
        .order_by(case((Share.level == "write", 0), else_=1))
        .limit(1)
    )
    return found


async def by_token(session: AsyncSession, resource_type: str, token_hash: bytes) -> Share | None:
    """A living link, of whichever workspace, while whoever made it is a member there."""
    found: Share | None = await session.scalar(
        select(Share)
        .join(Workspace, Workspace.id == Share.workspace_id)
        .join(User, User.id == Share.created_by_id)
        .join(
            Membership,
            and_(
                Membership.workspace_id == Share.workspace_id,
                Membership.user_id == Share.created_by_id,
            ),
        )
        .where(
            Share.token_hash == token_hash,
            Share.resource_type == resource_type,
            living(now()),
            Workspace.deleted_at.is_(None),
            Membership.suspended_at.is_(None),
            User.status == "active",
        )
    )
    return found


async def add(session: AsyncSession, share: Share) -> Share:
    """Store a share; raises AlreadyShared."""
    try:
        async with session.begin_nested():
            session.add(share)
            await session.flush()
    except IntegrityError as error:
        raise AlreadyShared("Change the share that exists.") from error
    return share


async def delete(session: AsyncSession, share: Share) -> None:
    await session.delete(share)
    await session.flush()
