"""What may be done with workspaces."""

from uuid import UUID

from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession, Scope, apply_scope
from app.core.errors import PermissionDenied
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.workspaces import crud
from app.identity.workspaces.crud import Place
from app.identity.workspaces.errors import (
    MembershipSuspended,
    PersonalWorkspace,
    WorkspaceNotFound,
    WorkspaceRestoreExpired,
)
from app.identity.workspaces.models import Membership, Workspace
from app.identity.workspaces.roles import Role
from app.identity.workspaces.schemas import (
    WorkspaceCreate,
    WorkspaceQuery,
    WorkspaceRead,
    WorkspaceUpdate,
)

PERSONAL_NAME = "My workspace"


async def any_deleted(session: AsyncSession) -> bool:
    """Whether a workspace is deleted and not gone yet; the session is the system's."""
    return await crud.any_deleted(session)


async def page(
    session: AsyncSession, access: Access, query: WorkspaceQuery, cursors: Cursors
) -> Slice[WorkspaceRead]:
    """The caller's workspaces; an API key knows of its own alone."""
    only = access.workspace_id if access.credential == "api_key" else None
    rows = await crud.page(session, access.user_id, query, cursors=cursors, only=only)
    mine = await crud.memberships(session, access.user_id, (row.id for row in rows.data))
    return rows.map(lambda row: read(row, mine[row.id]))


async def get(session: AsyncSession, access: Access, workspace_id: UUID) -> WorkspaceRead:
    place = await living(session, access, workspace_id)
    return read(place.workspace, place.membership)


async def create(session: AsyncSession, access: Access, new: WorkspaceCreate) -> WorkspaceRead:
    """A team workspace that the caller owns."""
    if access.credential != "session":
        raise PermissionDenied("Sign in for this: an API key serves one workspace.")
    workspace = Workspace(id=new_id(), name=new.name, kind="team")
    # Row-level security lets a transaction write into the workspace it serves and no other.
    await apply_scope(session, Scope(workspace_id=workspace.id, user_id=access.user_id))
    membership = await crud.add(session, workspace, access.user_id)
    await apply_scope(session, access.scope)
    return read(workspace, membership)


async def create_personal(session: AsyncSession, user_id: UUID) -> Workspace:
    """The workspace that comes with an account, in the transaction that makes the account."""
    workspace = Workspace(id=new_id(), name=PERSONAL_NAME, kind="personal")
    await crud.add(session, workspace, user_id)
    return workspace


async def update(
    session: AsyncSession, access: Access, workspace_id: UUID, change: WorkspaceUpdate
) -> WorkspaceRead:
    place = await living(session, access, workspace_id)
    if Permission.WORKSPACES_WRITE not in place.permissions:
        raise PermissionDenied(
            f"The role `{place.membership.role}` in this workspace may not change it."
        )
    await match(session, place.workspace)
    place.workspace.name = change.name
    await session.flush()
    return read(place.workspace, place.membership)


async def delete(session: AsyncSession, access: Access, workspace_id: UUID) -> None:
    """Soft: an owner brings it back within 30 days. The session is the system's."""
    place = await owned(session, access, workspace_id)
    if place.workspace.deleted_at is not None:
        raise WorkspaceNotFound
    await match(session, place.workspace)
    if place.workspace.kind == "personal":
        raise PersonalWorkspace("It goes with the account.")
    place.workspace.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, workspace_id: UUID) -> WorkspaceRead:
    """Bring a deleted workspace back; a living one stays as it is. The session is the system's."""
    place = await owned(session, access, workspace_id)
    until = place.workspace.restorable_until
    if until is not None and until < now():
        raise WorkspaceRestoreExpired
    place.workspace.deleted_at = None
    await session.flush()
    return read(place.workspace, place.membership)


async def living(session: AsyncSession, access: Access, workspace_id: UUID) -> Place:
    """The caller's place in a workspace; raises WorkspaceNotFound and MembershipSuspended."""
    place = await _any(session, access, workspace_id)
    if place.workspace.deleted_at is not None:
        raise WorkspaceNotFound
    return place


async def owned(session: AsyncSession, access: Access, workspace_id: UUID) -> Place:
    """The caller's place as an owner, the workspace locked, also where it is deleted.

    Raises WorkspaceNotFound, MembershipSuspended and PermissionDenied.
    """
    await crud.lock(session, workspace_id)
    place = await _any(session, access, workspace_id)
    if place.membership.role != Role.OWNER:
        # Of a deleted workspace the others know nothing any more.
        if place.workspace.deleted_at is not None:
            raise WorkspaceNotFound
        raise PermissionDenied("Only an owner of the workspace may do this.")
    return place


async def _any(session: AsyncSession, access: Access, workspace_id: UUID) -> Place:
    foreign_to_key = access.credential == "api_key" and workspace_id != access.workspace_id
    place = None if foreign_to_key else await crud.place(session, workspace_id, access.user_id)
    if place is None:
        raise WorkspaceNotFound
    if place.membership.suspended_at is not None:
        raise MembershipSuspended("An administrator of it can end that.")
    return place


def read(workspace: Workspace, membership: Membership) -> WorkspaceRead:
    """A workspace as one of its members sees it."""
    shown = {
        name: getattr(workspace, name)
        for name in WorkspaceRead.model_fields
        if name not in ("role", "role_id")
    }
    return WorkspaceRead(**shown, role=membership.role, role_id=membership.role_id)
