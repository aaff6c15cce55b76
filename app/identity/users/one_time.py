"""Single-use tokens that prove who reads an e-mail address: 256 bits, and only hashes are kept."""

import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.identity.users import crud
from app.identity.users.errors import TokenRefused
from app.identity.users.models import AccountToken


class Purpose(StrEnum):
    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose


LIFETIMES: Final = {
    Purpose.VERIFY_EMAIL: timedelta(hours=48),
    Purpose.CHANGE_EMAIL: timedelta(hours=24),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
}
MOST_AN_HOUR: Final = 5


async def issue(session: AsyncSession, user_id: UUID | None, purpose: Purpose, email: str) -> str:
    """A token that is mailed to `email`; the earlier ones for the same purpose end.

    Without a user it opens nothing: it is made so that an unknown address takes as long.
    """
    token = secrets.token_urlsafe(32)
    await crud.end_tokens(session, user_id or new_id(), now(), (purpose,))
    await crud.add_token(
        session,
        AccountToken(
            user_id=user_id,
            purpose=purpose,
            email=email,
            token_hash=hash_of(token),
            expires_at=now() + LIFETIMES[purpose],
            used_at=None,
        ),
    )
    return token


async def redeem(session: AsyncSession, token: str, *purposes: Purpose) -> AccountToken:
    """Use a token up; raises TokenRefused. Of two at once one gets it."""
    found = await crud.take_token(session, hash_of(token), purposes, now())
    if found is None or found.user_id is None:
        raise TokenRefused
    return found


async def peek(session: AsyncSession, token: str, *purposes: Purpose) -> AccountToken:
    """A token that could be redeemed now; raises TokenRefused."""
    found = await crud.find_token(session, hash_of(token), purposes, now())
    if found is None or found.user_id is None:
        raise TokenRefused
    return found


async def end_all(session: AsyncSession, user_id: UUID) -> None:
    """End every token of an account: what it could prove has changed."""
    await crud.end_tokens(session, user_id, now(), tuple(Purpose))


async def too_many(session: AsyncSession, purpose: Purpose, email: str) -> bool:
    """Whether an address was sent all the tokens for a purpose that it may be within an hour.

    Each purpose is counted by itself: who asks for someone's address as their own new one does not
    keep the owner from a new password.
    """
    since = now() - timedelta(hours=1)
    return await crud.count_tokens(session, purpose, email, since) >= MOST_AN_HOUR


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
