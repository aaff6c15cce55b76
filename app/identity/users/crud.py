"""Queries on accounts."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.users.errors import EmailTaken
from app.identity.users.models import User


async def get(session: AsyncSession, user_id: UUID) -> User | None:
    return await session.get(User, user_id)


async def lock(session: AsyncSession, user_id: UUID) -> User | None:
    """The account, kept from changing until the transaction ends."""
    return await session.get(User, user_id, with_for_update=True)


async def find(session: AsyncSession, email: str) -> User | None:
    """The account of a normalised address."""
    user: User | None = await session.scalar(select(User).where(func.lower(User.email) == email))
    return user


async def first(session: AsyncSession) -> User | None:
    """The oldest account."""
    user: User | None = await session.scalar(
        select(User).order_by(User.created_at, User.id).limit(1)
    )
    return user


async def add(session: AsyncSession, user: User) -> User:
    """Store an account; raises EmailTaken."""
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:
        raise EmailTaken("Sign in, or register with another address.") from error
    return user


async def lock_first(session: AsyncSession) -> None:
    """Let processes that start together take turns at making the first account."""
    await session.execute(select(func.pg_advisory_xact_lock(7224318606)))
