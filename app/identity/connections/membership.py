"""The places in a workspace that its identity provider gives and takes."""

from collections.abc import Collection
from uuid import UUID

from app.core.clock import now
from app.core.db import AsyncSession
from app.identity.connections import crud
from app.identity.connections.models import SsoConnection
from app.identity.workspaces.models import Membership
from app.identity.workspaces.roles import CUSTOM, Role


def role_for(connection: SsoConnection, groups: Collection[str]) -> str:
    """The role that comes with these groups: the first listed, else the default."""
    held = {group.casefold() for group in groups}
    for entry in connection.group_roles:
        if entry["group"].casefold() in held:
            return str(entry["role"])
    return connection.default_role


async def join(session: AsyncSession, connection: SsoConnection, user_id: UUID) -> Membership:
    """A new place, with the default role."""
    membership = Membership(
        workspace_id=connection.workspace_id,
        user_id=user_id,
        role=Role.VIEWER,
        role_id=None,
        suspended_at=None,
    )
    give_role(membership, connection.default_role)
    return await crud.add_membership(session, membership)


def give_role(membership: Membership, role: str) -> bool:
    """Give a built-in role or one of the workspace's own; whether anything changed.

    Ownership is neither given nor taken this way.
    """
    if membership.role == Role.OWNER:
        return False
    built_in = role in set(Role)
    wanted = (role, None) if built_in else (CUSTOM, UUID(role))
    if (membership.role, membership.role_id) == wanted:
        return False
    membership.role, membership.role_id = wanted
    return True


def suspend(membership: Membership, *, suspended: bool) -> bool:
    """Suspend a place or take it up again; whether anything changed. Owners keep theirs."""
    if membership.role == Role.OWNER or (membership.suspended_at is not None) == suspended:
        return False
    membership.suspended_at = now() if suspended else None
    return True
