"""Queries on accounts, their pictures and their single-use tokens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.users.errors import EmailTaken
from app.identity.users.models import AccountToken, Avatar, User
from app.identity.workspaces.models import Membership


async def get(session: AsyncSession, user_id: UUID) -> User | None:
    return await session.get(User, user_id)


async def lock(session: AsyncSession, user_id: UUID) -> User | None:
    """The account, kept from changing until the transaction ends."""
    return await session.get(User, user_id, with_for_update=True, populate_existing=True)


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


async def keep_email(session: AsyncSession) -> None:
    """Store the change of an account's address; raises EmailTaken."""
    try:
        await session.flush()
    except IntegrityError as error:
        raise EmailTaken("Another account uses it by now.") from error


async def lock_first(session: AsyncSession) -> None:
    """Let processes that start together take turns at making the first account."""
    await session.execute(select(func.pg_advisory_xact_lock(7224318606)))


async def get_avatar(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Avatar | None:
    """The picture of someone who is in a workspace."""
    member = select(Membership.id).where(
        Membership.workspace_id == workspace_id, Membership.user_id == user_id
    )
    avatar: Avatar | None = await session.scalar(
        select(Avatar)
        .join(User, User.id == Avatar.user_id)
        .where(User.id == user_id, member.exists())
    )
    return avatar


async def add_avatar(session: AsyncSession, avatar: Avatar) -> None:
    session.add(avatar)
    await session.flush()


async def delete_avatar(session: AsyncSession, avatar: Avatar) -> None:
    await session.delete(avatar)
    await session.flush()


async def add_token(session: AsyncSession, token: AccountToken) -> None:
    session.add(token)
    await session.flush()


async def find_token(
    session: AsyncSession, token_hash: bytes, purposes: Sequence[str], at: datetime
) -> AccountToken | None:
    """A token that is neither used nor out of its time."""
    token: AccountToken | None = await session.scalar(
        select(AccountToken).where(*_usable(token_hash, purposes, at))
    )
    return token


async def take_token(
    session: AsyncSession, token_hash: bytes, purposes: Sequence[str], at: datetime
) -> AccountToken | None:
    """Mark a token as used; None where it was before, or never was."""
    token: AccountToken | None = await session.scalar(
        update(AccountToken)
        .where(*_usable(token_hash, purposes, at))
        .values(used_at=at)
        .returning(AccountToken)
    )
    return token


def _usable(
    token_hash: bytes, purposes: Sequence[str], at: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        AccountToken.token_hash == token_hash,
        AccountToken.purpose.in_(purposes),
        AccountToken.used_at.is_(None),
        AccountToken.expires_at > at,
    )


async def end_tokens(
    session: AsyncSession, user_id: UUID, at: datetime, purposes: Sequence[str]
) -> None:
    await session.execute(
        update(AccountToken)
        .where(
            AccountToken.user_id == user_id,
            AccountToken.purpose.in_(purposes),
            AccountToken.used_at.is_(None),
        )
        .values(used_at=at)
    )


async def count_tokens(session: AsyncSession, purpose: str, email: str, since: datetime) -> int:
    """How many tokens for a purpose an address was sent since a time."""
    counted = await session.scalar(
        select(func.count())
        .select_from(AccountToken)
        .where(
            AccountToken.email == email,
            AccountToken.purpose == purpose,
            AccountToken.created_at > since,
        )
    )
    return counted or 0


async def prune_tokens(session: AsyncSession, before: datetime) -> None:
    """Forget tokens whose time was over before a time."""
    await session.execute(delete(AccountToken).where(AccountToken.expires_at < before))
