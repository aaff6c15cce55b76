"""Which roles a connection may give, and who may have it give them.

Whoever administers a provider can be anyone whom it names: a connection is no way to a role that
its maker lacks, and only an owner says which provider is believed.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.identity.connections import crud
from app.identity.connections.errors import SsoRoleUnknown
from app.identity.connections.models import SsoConnection
from app.identity.connections.schemas import GroupRole
from app.identity.roles.errors import RoleAboveOwn
from app.identity.roles.grants import giver
from app.identity.workspaces.roles import Role, known_permissions, permissions_of

GIVEN = frozenset({Role.ADMIN, Role.EDITOR, Role.VIEWER})


async def check_roles(
    session: AsyncSession, access: Access, default: str | None, groups: Sequence[GroupRole]
) -> None:
    """Raise SsoRoleUnknown for a role that cannot be given, as ownership, and RoleAboveOwn."""
    wanted = [(f"/body/group_roles/{n}/role", each.role) for n, each in enumerate(groups)]
    if default is not None:
        wanted.append(("/body/default_role", default))
    allowed = {role: await _allowed(session, access.workspace_id, role) for _, role in wanted}
    wrong = [
        FieldError(pointer, SsoRoleUnknown.code, "not a role that can be given")
        for pointer, role in wanted
        if allowed[role] is None
    ]
    if wrong:
        raise SsoRoleUnknown(
            "Name `admin`, `editor`, `viewer`, or the id of a role of this workspace.",
            errors=tuple(wrong),
        )
    await _refuse(session, access, allowed.values())


async def refuse_above_own(
    session: AsyncSession, access: Access, connection: SsoConnection
) -> None:
    """Raise RoleAboveOwn where a connection gives a role that allows more than the caller may."""
    roles = {connection.default_role, *(each["role"] for each in connection.group_roles)}
    allowed = [await _allowed(session, access.workspace_id, role) for role in sorted(roles)]
    await _refuse(session, access, allowed)


async def refuse_all_but_owners(session: AsyncSession, access: Access) -> None:
    """Raise RoleAboveOwn for who does not own the workspace."""
    if not (await giver(session, access)).is_owner:
        raise RoleAboveOwn("Only an owner says which provider is believed.")


async def _refuse(
    session: AsyncSession, access: Access, allowed: Iterable[frozenset[Permission] | None]
) -> None:
    given = frozenset[Permission]().union(*(each for each in allowed if each is not None))
    (await giver(session, access)).refuse_permissions(given)


async def _allowed(
    session: AsyncSession, workspace_id: UUID, role: str
) -> frozenset[Permission] | None:
    """What a role allows; None for one that cannot be given."""
    if role in GIVEN:
        return permissions_of(role)
    try:
        found = await crud.role_permissions(session, workspace_id, UUID(role))
    except ValueError:
        return None
    return None if found is None else known_permissions(found)
