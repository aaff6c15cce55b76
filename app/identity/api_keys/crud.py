"""Queries on API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, case, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.api_keys.models import ApiKey
from app.identity.users.models import User
from app.identity.workspaces.models import ROLE_OF_MEMBER, CustomRole, Membership, Workspace
from app.identity.workspaces.roles import Role

USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """A key and what its user is in its workspace now; None for one who has left."""

    key: ApiKey
    role: str | None
    account_status: str
    custom_permissions: list[str] | None
    suspended_at: datetime | None
    workspace_deleted_at: datetime | None


async def get(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    key_id: UUID,
    *,
    of_services: bool,
    for_update: bool = False,
) -> ApiKey | None:
    """A user's own key, or with `of_services` one of the workspace's service accounts."""
    mine = ApiKey.user_id == user_id
    if of_services:
        mine |= ApiKey.user_id.in_(select(User.id).where(User.kind == "service"))
    statement = select(ApiKey).where(ApiKey.workspace_id == workspace_id, mine, ApiKey.id == key_id)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    key: ApiKey | None = await session.scalar(statement)
    return key


async def revoke_of(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, at: datetime
) -> Sequence[UUID]:
    """End every living key that a user has in a workspace; returns their ids."""
    ended = await session.scalars(
        update(ApiKey)
        .where(
            ApiKey.workspace_id == workspace_id,
            ApiKey.user_id == user_id,
            ApiKey.revoked_at.is_(None),
        )
        .values(revoked_at=at)
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    )
    return ended.all()


async def page(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ApiKey]:
    """A user's keys in a workspace, newest first."""
    return await fetch_page(
        session,
        select(ApiKey).where(ApiKey.workspace_id == workspace_id, ApiKey.user_id == user_id),
        Keyset(ApiKey.created_at, ApiKey.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(user_id),
    )


async def living(
    session: AsyncSession, workspace_id: UUID, key_id: UUID, at: datetime
) -> ApiKey | None:
    """A key that is there, not revoked, and not past its end."""
    statement = select(ApiKey).where(
        ApiKey.id == key_id,
        ApiKey.workspace_id == workspace_id,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > at),
    )
    key: ApiKey | None = await session.scalar(statement)
    return key


async def add(session: AsyncSession, key: ApiKey) -> ApiKey:
    session.add(key)
    await session.flush()
    return key


def _account_status() -> ColumnElement[str]:
    """The key's user's; in a personal workspace its owner's counts too, for services and guests."""
    place, owner = aliased(Membership), aliased(User)
    owner_is_closed = exists(
        select(place.id)
        .join(owner, owner.id == place.user_id)
        .where(
            place.workspace_id == ApiKey.workspace_id,
            place.role == Role.OWNER,
            owner.status != "active",
        )
    )
    closed = and_(Workspace.kind == "personal", owner_is_closed)
    return case((closed, "deactivated"), else_=User.status)


# Made once: to put it together costs more than to run it.
_HOLDERS = (
    select(
        ApiKey,
        Membership.role,
        _account_status(),
        CustomRole.permissions,
        Membership.suspended_at,
        Workspace.deleted_at,
    )
    .join(Workspace, Workspace.id == ApiKey.workspace_id)
    .join(User, User.id == ApiKey.user_id)
    .outerjoin(
        Membership,
        and_(
            Membership.workspace_id == ApiKey.workspace_id,
            Membership.user_id == ApiKey.user_id,
        ),
    )
    .outerjoin(CustomRole, ROLE_OF_MEMBER)
)
_FIND = _HOLDERS.where(
    or_(
        ApiKey.secret_hash == bindparam("presented"),
        ApiKey.previous_secret_hash == bindparam("presented"),
    )
)
_HOLDER = _HOLDERS.where(ApiKey.id == bindparam("key_id"))


async def find(session: AsyncSession, secret_hash: bytes) -> Holder | None:
    """A presented key, of whichever workspace, by its secret or the one before."""
    row = (await session.execute(_FIND, {"presented": secret_hash})).one_or_none()
    return Holder(*row) if row else None


async def holder(session: AsyncSession, key_id: UUID) -> Holder | None:
    """A key that was presented before, of whichever workspace."""
    row = (await session.execute(_HOLDER, {"key_id": key_id})).one_or_none()
    return Holder(*row) if row else None


async def mark_used(
    session: AsyncSession, workspace_id: UUID, key_id: UUID, at: datetime, address: str
) -> None:
    """Note that a key was used, unless that was noted within the last minute."""
    await session.execute(
        update(ApiKey)
        .where(
            ApiKey.workspace_id == workspace_id,
            ApiKey.id == key_id,
            or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= at - USED_EVERY),
        )
        # Being used is no change of the key.
        .values(last_used_at=at, last_used_address=address, updated_at=ApiKey.updated_at)
    )
