"""/v1/workspaces."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.errors import PermissionDenied
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.identity.workspaces import service
from app.identity.workspaces.errors import MembershipSuspended, WorkspaceNotFound
from app.identity.workspaces.schemas import (
    WorkspaceCreate,
    WorkspaceQuery,
    WorkspaceRead,
    WorkspaceUpdate,
)

Reader = Annotated[Access, require(Permission.WORKSPACES_READ)]
Writer = Annotated[Access, require(Permission.WORKSPACES_WRITE)]

router = guarded_router(prefix="/v1/workspaces", tag="workspaces")


@router.get(
    "",
    operation_id="workspaces_list",
    summary="List workspaces",
    description="Those that the caller is in, newest first. An API key sees its own alone.",
    response_model=Page[WorkspaceRead],
    responses=problems(CursorInvalid),
)
async def list_workspaces(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[WorkspaceQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="workspaces_create",
    summary="Create a workspace",
    description="The caller becomes its owner. Not with an API key: a key serves one workspace.",
    status_code=201,
    responses=problems(PermissionDenied),
)
async def create_workspace(
    body: WorkspaceCreate, access: Writer, session: Session, response: Response
) -> WorkspaceRead:
    made = await service.create(session, access, body)
    response.headers["Location"] = f"/v1/workspaces/{made.id}"
    return made


@router.get(
    "/{workspace_id}",
    operation_id="workspaces_get",
    summary="Show a workspace",
    responses=problems(WorkspaceNotFound, MembershipSuspended),
)
async def get_workspace(workspace_id: UUID, access: Reader, session: Session) -> WorkspaceRead:
    return await service.get(session, access, workspace_id)


@router.patch(
    "/{workspace_id}",
    operation_id="workspaces_update",
    summary="Rename a workspace",
    responses=problems(PermissionDenied, WorkspaceNotFound, MembershipSuspended),
)
async def update_workspace(
    workspace_id: UUID, body: WorkspaceUpdate, access: Writer, session: Session
) -> WorkspaceRead:
    return await service.update(session, access, workspace_id, body)
