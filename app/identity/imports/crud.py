"""Queries of the import: a batch at a time."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.identity.users.models import User
from app.identity.workspaces.models import Membership, Workspace
from app.identity.workspaces.roles import Role
from app.identity.workspaces.service import PERSONAL_NAME


async def lock_by_email(session: AsyncSession, emails: Iterable[str]) -> dict[str, User]:
    """The accounts that have these addresses, kept from changing."""
    found = await session.scalars(
        select(User)
        .where(func.lower(User.email).in_(list(emails)))
        .order_by(User.id)
        .with_for_update()
    )
    return {user.email.lower(): user for user in found}


async def add_accounts(session: AsyncSession, rows: Sequence[dict[str, object]]) -> set[str]:
    """Store accounts, each with its personal workspace; the addresses that were still free."""
    if not rows:
        return set()
    stored = await session.execute(
        insert(User).values(list(rows)).on_conflict_do_nothing().returning(User.id, User.email)
    )
    made: dict[UUID, str] = {row[0]: row[1] for row in stored}
    places = {user_id: new_id() for user_id in made}
    session.add_all(
        Workspace(id=workspace_id, name=PERSONAL_NAME, kind="personal")
        for workspace_id in places.values()
    )
    await session.flush()
    session.add_all(
        Membership(workspace_id=workspace_id, user_id=user_id, role=Role.OWNER)
        for user_id, workspace_id in places.items()
    )
    await session.flush()
    session.expunge_all()
    return set(made.values())
