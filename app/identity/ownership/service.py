"""Handing a workspace over."""

from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.db import AsyncSession
from app.identity.members import crud as members
from app.identity.ownership.errors import NewOwnerUnfit
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.errors import PersonalWorkspace, WorkspaceNotFound
from app.identity.workspaces.roles import Role
from app.identity.workspaces.schemas import WorkspaceRead


async def transfer(
    session: AsyncSession, access: Access, workspace_id: UUID, member_id: UUID
) -> tuple[WorkspaceRead, UUID]:
    """Make a member the owner in the caller's place, who becomes an admin.

    The session is the system's. Returns the workspace and the new owner's user. Raises
    WorkspaceNotFound, PersonalWorkspace and NewOwnerUnfit.
    """
    place = await workspaces.owned(session, access, workspace_id)
    if place.workspace.deleted_at is not None:
        raise WorkspaceNotFound
    if place.workspace.kind == "personal":
        raise PersonalWorkspace("It cannot be handed over.")
    heir = await members.get(session, workspace_id, member_id)
    if heir is None or heir.id == place.membership.id:
        raise NewOwnerUnfit("is no other member of this workspace")
    user = (await members.users(session, [heir.user_id]))[heir.user_id]
    if heir.suspended_at is not None or user.status != "active" or user.kind != "person":
        raise NewOwnerUnfit("is not a person in good standing")
    heir.role, heir.role_id = Role.OWNER, None
    place.membership.role = Role.ADMIN
    await session.flush()
    detail = {"from_user_id": str(access.user_id), "to_user_id": str(heir.user_id)}
    what = Note(
        "ownership.transferred", "workspace", workspace_id, workspace_id=workspace_id, detail=detail
    )
    note(session, what)
    return workspaces.read(place.workspace, place.membership), heir.user_id
