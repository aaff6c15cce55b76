"""Who may give which role to whom."""

from dataclasses import dataclass
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.identity.roles import crud
from app.identity.roles.errors import RoleAboveOwn, RoleUnknown
from app.identity.roles.schemas import RoleChoice
from app.identity.workspaces import crud as workspaces
from app.identity.workspaces.roles import CUSTOM, Role, permissions_of


@dataclass(frozen=True, slots=True)
class Grant:
    """A role that is given, and what it allows."""

    role: str
    role_id: UUID | None
    permissions: frozenset[Permission]


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives: what they may do, and whether they own the workspace."""

    permissions: frozenset[Permission]
    is_owner: bool

    def refuse_above(self, grant: Grant) -> None:
        """Raise RoleAboveOwn for a role that is more than the giver's own."""
        if grant.role == Role.OWNER and not self.is_owner:
            raise RoleAboveOwn("Only an owner makes an owner.")
        self.refuse_permissions(grant.permissions)

    def refuse_permissions(self, permissions: frozenset[Permission]) -> None:
        """Raise RoleAboveOwn for permissions that the giver lacks."""
        if beyond := permissions - self.permissions:
            names = ", ".join(f"`{permission}`" for permission in sorted(beyond))
            raise RoleAboveOwn(f"You do not have {names}.")


async def giver(session: AsyncSession, access: Access) -> Giver:
    """What the caller may give now: read again, for it may have changed since the request came."""
    now_held = await standing_of(session, access.workspace_id, access.user_id)
    return Giver(now_held.permissions & access.permissions, now_held.is_owner)


async def standing_of(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Giver:
    """What a user's own role in a workspace allows; nothing for one who left or is suspended."""
    place = await workspaces.place(session, workspace_id, user_id)
    if place is None or place.membership.suspended_at is not None:
        return Giver(frozenset(), is_owner=False)
    return Giver(place.permissions, place.membership.role == Role.OWNER)


async def choose(
    session: AsyncSession,
    workspace_id: UUID,
    choice: RoleChoice,
    pointer: str = "/body/role_id",
) -> Grant:
    """The role that a request names; raises RoleUnknown, which points to `pointer`.

    A role of the workspace's own is locked, so that it is not deleted while it is given.
    """
    if choice.role != CUSTOM:
        if choice.role_id is not None:
            raise RoleUnknown(pointer, "goes with the role `custom`")
        return Grant(choice.role, None, permissions_of(choice.role))
    if choice.role_id is None:
        raise RoleUnknown(pointer, "is needed for the role `custom`")
    found = await crud.get(session, workspace_id, choice.role_id, lock=True)
    if found is None or found.deleted_at is not None:
        raise RoleUnknown(pointer, "is no role of this workspace")
    return Grant(CUSTOM, found.id, permissions_of(CUSTOM, found.permissions))
