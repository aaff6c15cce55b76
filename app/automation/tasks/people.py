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
_BUILT_IN: Final = frozenset(role.value for role in Role)


@dataclass(frozen=True, slots=True)
class Names:
    """In lower case; an address counts once it is known to be theirs, and is `claimed` before."""

    known: frozenset[str]
    claimed: frozenset[str]

    def are_among(self, assignees: Collection[str]) -> bool:
        """Whether a task is theirs: it names them, or nobody."""
        return not assignees or any(each.lower() in self.known for each in assignees)

    def could_be_among(self, assignees: Collection[str]) -> bool:
        """The same with an address that they need only verify."""
        return self.are_among(assignees) or any(each.lower() in self.claimed for each in assignees)


async def names_of(session: AsyncSession, access: Access) -> Names:
    found = await session.execute(
        select(User.email, User.email_verified_at, Membership.role, CustomRole.name)
        .join(Membership, Membership.user_id == User.id)
        .outerjoin(CustomRole, ROLE_OF_MEMBER)
        .where(Membership.workspace_id == access.workspace_id, User.id == access.user_id)
    )
    names = {str(access.user_id)}
    claimed: set[str] = set()
    for email, verified_at, role, custom in found:
        (claimed if verified_at is None else names).add(email.lower())
        names |= _role_names(role, custom)
    return Names(frozenset(names), frozenset(claimed))


def _role_names(role: str, custom: str | None) -> set[str]:
    """A role of the workspace's own that is called as a built-in one is not taken for it."""
    if role != CUSTOM:
        return {f"{ROLE}{role}"}
    name = (custom or "").lower()
    return set() if not name or name in _BUILT_IN else {f"{ROLE}{name}"}


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
    if not set(names.values()) - _BUILT_IN:
        return set(names)
    found = await session.scalars(
        select(func.lower(CustomRole.name)).where(
            CustomRole.workspace_id == workspace_id,
            CustomRole.deleted_at.is_(None),
            func.lower(CustomRole.name).in_(names.values()),
        )
    )
    known = _BUILT_IN | set(found)
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
