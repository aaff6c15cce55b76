"""By which names a caller may be given a task."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.auth import Access
from app.identity.users.models import User
from app.identity.workspaces.models import ROLE_OF_MEMBER, CustomRole, Membership
from app.identity.workspaces.roles import CUSTOM, Role

ROLE: Final = "role:"


@dataclass(frozen=True, slots=True)
class Names:
    """In lower case; an address counts once it is known to be theirs."""

    known: frozenset[str]

    def are_among(self, assignees: Collection[str]) -> bool:
        """Whether a task is theirs: it names them, or nobody."""
        return not assignees or any(each.lower() in self.known for each in assignees)


async def names_of(session: AsyncSession, access: Access) -> Names:
    found = await session.execute(
        select(User.email, User.email_verified_at, Membership.role, CustomRole.name)
        .join(Membership, Membership.user_id == User.id)
        .outerjoin(CustomRole, ROLE_OF_MEMBER)
        .where(Membership.workspace_id == access.workspace_id, User.id == access.user_id)
    )
    names = {str(access.user_id)}
    for email, verified_at, role, custom in found:
        if verified_at is not None:
            names.add(email.lower())
        names.add(f"{ROLE}{custom if role == CUSTOM else role}".lower())
    return Names(frozenset(names))


async def unknown(
    session: AsyncSession, workspace_id: UUID, assignees: Collection[str]
) -> set[str]:
    """Those of the assignees that name no member, no role, and are no address."""
    roles = {each for each in assignees if each.lower().startswith(ROLE)}
    ids = {each for each in assignees if each not in roles and "@" not in each}
    wrong = roles - await _known_roles(session, workspace_id, roles)
    return wrong | (ids - await _members(session, workspace_id, ids))


async def _known_roles(
    session: AsyncSession, workspace_id: UUID, roles: Collection[str]
) -> set[str]:
    names = {each: each[len(ROLE) :].lower() for each in roles}
    built_in = {role.value for role in Role}
    if not set(names.values()) - built_in:
        return set(names)
    found = await session.scalars(
        select(func.lower(CustomRole.name)).where(
            CustomRole.workspace_id == workspace_id,
            CustomRole.deleted_at.is_(None),
            func.lower(CustomRole.name).in_(names.values()),
        )
    )
    known = built_in | set(found)
    return {each for each, name in names.items() if name in known}


async def _members(session: AsyncSession, workspace_id: UUID, names: Collection[str]) -> set[str]:
    ids: dict[UUID, str] = {}
    for name in names:
        try:
            ids[UUID(name)] = name
        except ValueError:
            continue
    if not ids:
        return set()
    found = await session.scalars(
        select(Membership.user_id).where(
            Membership.workspace_id == workspace_id, Membership.user_id.in_(ids)
        )
    )
    return {ids[UUID(str(user_id))] for user_id in found}
