"""/v1/workspaces/{workspace_id}: transfer, deletion and restoration, and leaving."""

from typing import Annotated
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.errors import PermissionDenied
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.rate_limits import sensitive
from app.core.http.units import SystemSession
from app.identity.forgetting import forget_on_commit
from app.identity.members import service as members
from app.identity.ownership import service
from app.identity.ownership.errors import NewOwnerUnfit
from app.identity.ownership.schemas import OwnershipTransfer
from app.identity.sessions.errors import SessionRequired, StepUpRequired
from app.identity.sessions.guard import require_recent, require_session
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.errors import (
    LastOwner,
    MembershipSuspended,
    PersonalWorkspace,
    WorkspaceNotFound,
    WorkspaceRestoreExpired,
)
from app.identity.workspaces.schemas import WorkspaceRead

# Someone may leave a workspace in which they may do nothing else.
Person = Annotated[Access, require_session(Permission.PROFILE_WRITE)]
Owner = Annotated[Access, require_session(Permission.WORKSPACES_WRITE)]
SureOwner = Annotated[Access, require_recent(Permission.WORKSPACES_WRITE)]

router = guarded_router(prefix="/v1/workspaces/{workspace_id}", tag="workspaces")


@router.post(
    "/transfer",
    operation_id="workspaces_transfer",
    dependencies=[sensitive],
    summary="Hand a workspace over to another member",
    description="The member becomes an owner in your place, and you an admin.",
    responses=problems(
        WorkspaceNotFound,
        MembershipSuspended,
        PermissionDenied,
        PersonalWorkspace,
        NewOwnerUnfit,
        SessionRequired,
        StepUpRequired,
    ),
)
async def transfer_workspace(
    workspace_id: UUID,
    body: OwnershipTransfer,
    access: SureOwner,
    session: SystemSession,
    kernel: KernelDep,
) -> WorkspaceRead:
    handed_over, heir_id = await service.transfer(session, access, workspace_id, body.member_id)
    forget_on_commit(session, kernel, access.user_id, heir_id)
    return handed_over


@router.delete(
    "",
    operation_id="workspaces_delete",
    dependencies=[sensitive],
    summary="Delete a workspace; it can be restored for 30 days",
    description=(
        "From then on nothing in it is found, by its members or by their API keys. A personal "
        "workspace goes with its account."
    ),
    status_code=204,
    responses=problems(
        WorkspaceNotFound,
        MembershipSuspended,
        PermissionDenied,
        PersonalWorkspace,
        SessionRequired,
        StepUpRequired,
    ),
)
async def delete_workspace(
    workspace_id: UUID, access: SureOwner, session: SystemSession, kernel: KernelDep
) -> None:
    await workspaces.delete(session, access, workspace_id)
    forget_on_commit(session, kernel, workspace_id)


@router.post(
    "/restore",
    operation_id="workspaces_restore",
    summary="Bring a deleted workspace back",
    responses=problems(
        WorkspaceNotFound,
        MembershipSuspended,
        PermissionDenied,
        SessionRequired,
        WorkspaceRestoreExpired,
    ),
)
async def restore_workspace(
    workspace_id: UUID, access: Owner, session: SystemSession
) -> WorkspaceRead:
    return await workspaces.restore(session, access, workspace_id)


@router.post(
    "/leave",
    operation_id="workspaces_leave",
    summary="Leave a workspace",
    description="For good, with your API keys in it. The last owner stays.",
    status_code=204,
    responses=problems(WorkspaceNotFound, PersonalWorkspace, LastOwner, SessionRequired),
)
async def leave_workspace(
    workspace_id: UUID, access: Person, session: SystemSession, kernel: KernelDep
) -> None:
    await members.leave(session, access, workspace_id)
    forget_on_commit(session, kernel, access.user_id)
