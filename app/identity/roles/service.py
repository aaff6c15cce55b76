"""What may be done with the roles of a workspace."""

from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.roles import crud
from app.identity.roles.errors import RoleInUse, RoleNotFound, RoleRestoreExpired, RoleUnknown
from app.identity.roles.grants import choose, giver
from app.identity.roles.schemas import (
    RoleChoice,
    RoleCreate,
    RoleQuery,
    RoleUpdate,
)
from app.identity.workspaces import crud as workspaces
from app.identity.workspaces.models import CustomRole
from app.identity.workspaces.roles import known_permissions

REPLACEMENT = "/query/replace_with_id"


async def page(
    session: AsyncSession, access: Access, query: RoleQuery, cursors: Cursors
) -> Slice[CustomRole]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def create(session: AsyncSession, access: Access, new: RoleCreate) -> CustomRole:
    """A role of the workspace's own; raises RoleAboveOwn and RoleNameTaken."""
    await _refuse_above(session, access, new.permissions)
    return await crud.save(
        session,
        CustomRole(
            id=new_id(),
            workspace_id=access.workspace_id,
            name=new.name,
            description=new.description,
            permissions=sorted(set(new.permissions)),
            deleted_at=None,
        ),
    )


async def get(
    session: AsyncSession, access: Access, role_id: UUID, *, lock: bool = False
) -> CustomRole:
    """A living role; raises RoleNotFound."""
    role = await crud.get(session, access.workspace_id, role_id, lock=lock)
    if role is None or role.deleted_at is not None:
        raise RoleNotFound
    return role


async def update(
    session: AsyncSession, access: Access, role_id: UUID, change: RoleUpdate
) -> CustomRole:
    """Raises RoleAboveOwn for permissions that the caller lacks, those of before included."""
    role = await get(session, access, role_id, lock=True)
    await match(session, role)
    await _refuse_above(session, access, known_permissions(role.permissions))
    if change.permissions is not None:
        await _refuse_above(session, access, change.permissions)
        role.permissions = sorted(set(change.permissions))
    if change.name is not None:
        role.name = change.name
    if change.description is not None:
        role.description = change.description
    return await crud.save(session, role)


async def delete(
    session: AsyncSession, access: Access, role_id: UUID, replacement: RoleChoice | None
) -> None:
    """Soft. Its members get the replacement.

    Raises RoleInUse where there is none, and where a single sign-on connection gives the role.
    """
    # In this order everywhere: who has which role is decided by turns in a workspace.
    await workspaces.lock(session, access.workspace_id)
    role = await get(session, access, role_id, lock=True)
    await match(session, role)
    await _refuse_above(session, access, known_permissions(role.permissions))
    if named := await crud.connections(session, access.workspace_id, role.id):
        raise RoleInUse(f"{named} single sign-on connections give it; have them give another.")
    members = await crud.members(session, access.workspace_id, role.id)
    if members:
        if replacement is None:
            raise RoleInUse(f"{len(members)} members have it; name one to `replace_with`.")
        if replacement.role_id == role.id:
            raise RoleUnknown(REPLACEMENT, "is the role that is deleted")
        grant = await choose(session, access.workspace_id, replacement, REPLACEMENT)
        (await giver(session, access)).refuse_above(grant)
        for member in members:
            member.role, member.role_id = grant.role, grant.role_id
            detail = {"role": grant.role, "role_id": grant.role_id and str(grant.role_id)}
            note(session, Note("member.role_changed", "membership", member.id, detail=detail))
    role.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, role_id: UUID) -> CustomRole:
    """Bring a deleted role back; a living one stays as it is."""
    role = await crud.get(session, access.workspace_id, role_id, lock=True)
    if role is None:
        raise RoleNotFound
    await _refuse_above(session, access, known_permissions(role.permissions))
    if role.restorable_until is not None and role.restorable_until < now():
        raise RoleRestoreExpired
    role.deleted_at = None
    return await crud.save(session, role)


async def _refuse_above(
    session: AsyncSession, access: Access, permissions: list[Permission] | frozenset[Permission]
) -> None:
    (await giver(session, access)).refuse_permissions(frozenset(permissions))
