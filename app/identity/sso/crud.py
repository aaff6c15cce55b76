"""Queries on linked accounts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.sso.errors import IdentityTaken
from app.identity.sso.models import UserIdentity


async def find(session: AsyncSession, realm: str, issuer: str, subject: str) -> UserIdentity | None:
    """The link of an account elsewhere; the session is the system's."""
    found: UserIdentity | None = await session.scalar(
        select(UserIdentity).where(
            UserIdentity.realm == realm,
            UserIdentity.issuer == issuer,
            UserIdentity.subject == subject,
        )
    )
    return found


async def get(session: AsyncSession, user_id: UUID, identity_id: UUID) -> UserIdentity | None:
    found: UserIdentity | None = await session.scalar(
        select(UserIdentity).where(UserIdentity.user_id == user_id, UserIdentity.id == identity_id)
    )
    return found


async def page(
    session: AsyncSession, user_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[UserIdentity]:
    return await fetch_page(
        session,
        select(UserIdentity).where(UserIdentity.user_id == user_id),
        Keyset(UserIdentity.created_at, UserIdentity.id),
        query,
        cursors=cursors,
        workspace_id=user_id,
    )


async def count(session: AsyncSession, user_id: UUID) -> int:
    found = await session.scalar(
        select(func.count()).select_from(UserIdentity).where(UserIdentity.user_id == user_id)
    )
    return found or 0


async def add(session: AsyncSession, identity: UserIdentity) -> UserIdentity:
    """Link an account elsewhere; raises IdentityTaken."""
    session.add(identity)
    try:
        await session.flush()
    except IntegrityError as error:
        raise IdentityTaken("It opens an account here already.") from error
    return identity


async def mark_used(session: AsyncSession, identity: UserIdentity, at: datetime) -> None:
    await session.execute(
        update(UserIdentity).where(UserIdentity.id == identity.id).values(last_used_at=at)
    )


async def delete(session: AsyncSession, identity: UserIdentity) -> None:
    await session.delete(identity)
    await session.flush()
