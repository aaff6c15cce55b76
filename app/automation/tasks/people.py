"""By which names a caller may be given a task."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.assignees import ROLE, accounts_of, is_address, to_be_proved
from app.core.auth import Access
from app.identity.users.models import User
from app.identity.workspaces.models import ROLE_OF_MEMBER, CustomRole, Membership
from app.identity.workspaces.roles import CUSTOM, Role

_BUILT_IN: Final = frozenset(role.value for role in Role)


@dataclass(frozen=True, slots=True)
class Names:
    """As tasks mean them; by an address that they have yet to verify they are `claimed`."""

    known: frozenset[str]
    claimed: frozenset[str]

    def are_among(self, meant: Collection[str]) -> bool:
        return not self.known.isdisjoint(meant)

    def could_be_among(self, meant: Collection[str]) -> bool:
        """The same with an address that they need only verify."""
        return self.are_among(meant) or not self.claimed.isdisjoint(meant)


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
        proof = to_be_proved(access.user_id, email)
        (claimed if verified_at is None else names).add(proof)
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
    """Those of the assignees that name no member, by id or by address, and no role."""
    roles = {each for each in assignees if each.lower().startswith(ROLE)}
    addresses = {each for each in assignees if is_address(each)}
    ids = set(assignees) - roles - addresses
    wrong = roles - await _known_roles(session, workspace_id, roles)
    wrong |= ids - await _members(session, workspace_id, ids)
    known = await accounts_of(session, workspace_id, addresses)
    return wrong | {each for each in addresses if each.lower() not in known}


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
