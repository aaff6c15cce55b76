"""What may be done with workspaces."""

from typing import Literal
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.db import AsyncSession, Scope, apply_scope
from app.core.errors import PermissionDenied
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.identity.workspaces import crud
from app.identity.workspaces.errors import WorkspaceNotFound
from app.identity.workspaces.models import Workspace
from app.identity.workspaces.roles import Role, permissions_of
from app.identity.workspaces.schemas import WorkspaceCreate, WorkspaceRead, WorkspaceUpdate


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[WorkspaceRead]:
    """The caller's workspaces; an API key knows of its own alone."""
    only = access.workspace_id if access.credential == "api_key" else None
    rows = await crud.page(session, access.user_id, query, cursors=cursors, only=only)
    roles = await crud.roles(session, access.user_id, (row.id for row in rows.data))
    return rows.map(lambda row: read(row, roles[row.id]))


async def get(session: AsyncSession, access: Access, workspace_id: UUID) -> WorkspaceRead:
    return read(*await _find(session, access, workspace_id))


async def create(session: AsyncSession, access: Access, new: WorkspaceCreate) -> WorkspaceRead:
    """A team workspace that the caller owns."""
    if access.credential != "session":
        raise PermissionDenied("Sign in for this: an API key serves one workspace.")
    workspace = Workspace(id=new_id(), name=new.name, kind="team")
    # Row-level security lets a transaction write into the workspace it serves and no other.
    await apply_scope(session, Scope(workspace_id=workspace.id, user_id=access.user_id))
    await crud.add(session, workspace, access.user_id)
    return read(workspace, Role.OWNER)


async def create_personal(session: AsyncSession, user_id: UUID) -> Workspace:
    """The workspace that comes with an account, in the transaction that makes the account."""
    workspace = Workspace(id=new_id(), name="My workspace", kind="personal")
    return await crud.add(session, workspace, user_id)


async def update(
    session: AsyncSession, access: Access, workspace_id: UUID, change: WorkspaceUpdate
) -> WorkspaceRead:
    workspace, role = await _find(session, access, workspace_id)
    if Permission.WORKSPACES_WRITE not in permissions_of(role):
        raise PermissionDenied(f"The role `{role}` in this workspace may not change it.")
    workspace.name = change.name
    await session.flush()
    return read(workspace, role)


async def _find(session: AsyncSession, access: Access, workspace_id: UUID) -> tuple[Workspace, str]:
    foreign_to_key = access.credential == "api_key" and workspace_id != access.workspace_id
    found = None if foreign_to_key else await crud.get(session, workspace_id, access.user_id)
    if found is None:
        raise WorkspaceNotFound
    return found


def read(workspace: Workspace, role: str) -> WorkspaceRead:
    kind: Literal["personal", "team"] = "personal" if workspace.kind == "personal" else "team"
    return WorkspaceRead(
        id=workspace.id,
        name=workspace.name,
        kind=kind,
        role=Role(role),
        created_at=workspace.created_at,
        updated_at=workspace.updated_at,
    )
