"""Queries on the members of a workspace."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.identity.members.errors import AlreadyMember
from app.identity.members.schemas import MemberQuery
from app.identity.users.models import User
from app.identity.workspaces.models import Membership
from app.identity.workspaces.roles import Role


async def get(session: AsyncSession, workspace_id: UUID, member_id: UUID) -> Membership | None:
    """A membership as it is now, whatever was read before."""
    found: Membership | None = await session.scalar(
        select(Membership)
        .where(Membership.workspace_id == workspace_id, Membership.id == member_id)
        .execution_options(populate_existing=True)
    )
    return found


async def of_user(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Membership | None:
    found: Membership | None = await session.scalar(
        select(Membership).where(
            Membership.workspace_id == workspace_id, Membership.user_id == user_id
        )
    )
    return found


async def page(
    session: AsyncSession, workspace_id: UUID, query: MemberQuery, cursors: Cursors
) -> Slice[Membership]:
    """Newest first."""
    statement = select(Membership).where(Membership.workspace_id == workspace_id)
    if query.q is not None:
        named = select(User.id).where(
            or_(
                User.name.icontains(query.q, autoescape=True),
                User.email.icontains(query.q, autoescape=True),
            )
        )
        statement = statement.where(Membership.user_id.in_(named))
    if query.role is not None:
        statement = statement.where(Membership.role == query.role)
    if query.suspended is not None:
        ended = Membership.suspended_at
        statement = statement.where(ended.is_not(None) if query.suspended else ended.is_(None))
    return await fetch_page(
        session,
        statement,
        Keyset(Membership.created_at, Membership.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


async def users(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, User]:
    found = await session.scalars(select(User).where(User.id.in_(ids)))
    return {user.id: user for user in found}


async def acting_owners(session: AsyncSession, workspace_id: UUID, *, but: UUID) -> int:
    """How many people can act as an owner, beside one membership."""
    counted: int | None = await session.scalar(
        select(func.count())
        .select_from(Membership)
        .join(User, User.id == Membership.user_id)
        .where(Membership.id != but, *_acting_owner(workspace_id))
    )
    return counted or 0


async def owners(session: AsyncSession, workspace_id: UUID) -> Sequence[UUID]:
    """The users of those who can act as owners; the session is the system's."""
    found = await session.scalars(
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(*_acting_owner(workspace_id))
        .order_by(Membership.id)
    )
    return found.all()


def _acting_owner(workspace_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        Membership.workspace_id == workspace_id,
        Membership.role == Role.OWNER,
        Membership.suspended_at.is_(None),
        User.status == "active",
        User.kind == "person",
    )


async def add(session: AsyncSession, membership: Membership) -> Membership:
    """Store a membership; raises AlreadyMember."""
    try:
        async with session.begin_nested():
            session.add(membership)
            await session.flush()
    except IntegrityError as error:
        raise AlreadyMember from error
    return membership
