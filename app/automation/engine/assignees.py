"""Whom a task means: settled when it is given, so that nobody comes by it with an address later."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.users.models import User
from app.identity.workspaces.models import Membership

ROLE: Final = "role:"


def is_address(assignee: str) -> bool:
    return "@" in assignee and not assignee.lower().startswith(ROLE)


def to_be_proved(user_id: UUID, email: str) -> str:
    """A member by an address of theirs that they have yet to verify: it counts once they have."""
    return f"{user_id} {email.lower()}"


async def accounts_of(
    session: AsyncSession, workspace_id: UUID, assignees: Collection[str]
) -> Mapping[str, str]:
    """By address in lower case: the id of the member whose it is; of one not verified, with it."""
    addresses = {each.lower() for each in assignees if is_address(each)}
    if not addresses:
        return {}
    rows = await session.execute(
        select(User.id, User.email, User.email_verified_at)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.workspace_id == workspace_id, func.lower(User.email).in_(addresses))
    )
    return {
        email.lower(): to_be_proved(user_id, email) if verified_at is None else str(user_id)
        for user_id, email, verified_at in rows
    }


def meant(assignees: Sequence[str], accounts: Mapping[str, str]) -> list[str]:
    """Members and roles in lower case; an address of no member means nobody."""
    named = (accounts.get(each.lower()) if is_address(each) else each.lower() for each in assignees)
    return list(dict.fromkeys(each for each in named if each is not None))


def without_addresses(who: Sequence[str]) -> list[str]:
    """Those that are meant by their ids and roles alone: what may outlive an account says so."""
    return list(dict.fromkeys(each.partition(" ")[0] if is_address(each) else each for each in who))


async def meant_by(
    session: AsyncSession, workspace_id: UUID, assignees: Sequence[str]
) -> list[str]:
    return meant(assignees, await accounts_of(session, workspace_id, assignees))
