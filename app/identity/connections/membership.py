"""The places in a workspace that its identity provider gives and takes."""

from collections.abc import Collection
from uuid import UUID

from app.core.audit import Note, note
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
    membership.role, membership.role_id = _stored(connection.default_role)
    made = await crud.add_membership(session, membership)
    _note(session, "member.added", made, role=connection.default_role)
    return made


def give_role(session: AsyncSession, membership: Membership, role: str) -> None:
    """Give a built-in role or one of the workspace's own.

    Ownership is neither given nor taken this way.
    """
    before, wanted = (membership.role, membership.role_id), _stored(role)
    if membership.role == Role.OWNER or before == wanted:
        return
    membership.role, membership.role_id = wanted
    _note(session, "member.role_changed", membership, before=_told(*before), after=_told(*wanted))


def suspend(session: AsyncSession, membership: Membership, *, suspended: bool) -> None:
    """Suspend a place or take it up again. Owners keep theirs."""
    if membership.role == Role.OWNER or (membership.suspended_at is not None) == suspended:
        return
    membership.suspended_at = now() if suspended else None
    _note(session, "member.suspended" if suspended else "member.unsuspended", membership)


def _stored(role: str) -> tuple[str, UUID | None]:
    """A role as a membership holds it."""
    return (role, None) if role in set(Role) else (CUSTOM, UUID(role))


def _told(role: str, role_id: UUID | None) -> dict[str, str | None]:
    return {"role": role, "role_id": str(role_id) if role_id else None}


def _note(session: AsyncSession, action: str, membership: Membership, **detail: object) -> None:
    what = Note(
        action,
        "membership",
        membership.id,
        workspace_id=membership.workspace_id,
        subject_id=membership.user_id,
        detail=detail,
    )
    note(session, what)
