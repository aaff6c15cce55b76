"""/v1/members: the members of the workspace that the request serves."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.identity.forgetting import forget_on_commit
from app.identity.members import service
from app.identity.members.errors import MemberAboveOwn, MemberNotFound, ServiceAccountMember
from app.identity.members.schemas import MemberQuery, MemberRead, MemberUpdate
from app.identity.roles.errors import RoleAboveOwn, RoleUnknown
from app.identity.workspaces.errors import LastOwner, PersonalWorkspace

Reader = Annotated[Access, require(Permission.MEMBERS_READ)]
Writer = Annotated[Access, require(Permission.MEMBERS_WRITE)]

router = guarded_router(prefix="/v1/members", tag="members")


@router.get(
    "",
    operation_id="members_list",
    summary="List the members of the workspace, newest first",
    response_model=Page[MemberRead],
    responses=problems(CursorInvalid),
)
async def list_members(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[MemberQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/{member_id}",
    operation_id="members_get",
    summary="Show a member",
    responses=problems(MemberNotFound),
)
async def get_member(member_id: UUID, access: Reader, session: Session) -> MemberRead:
    return await service.get(session, access, member_id)


@router.patch(
    "/{member_id}",
    operation_id="members_update",
    summary="Give a member another role",
    description=(
        "None that allows more than your own does. Only an owner makes an owner, or changes one; "
        "the last owner stays one."
    ),
    responses=problems(
        MemberNotFound,
        MemberAboveOwn,
        RoleAboveOwn,
        RoleUnknown,
        LastOwner,
        PersonalWorkspace,
        ServiceAccountMember,
    ),
)
async def update_member(
    member_id: UUID, body: MemberUpdate, access: Writer, session: Session, kernel: KernelDep
) -> MemberRead:
    changed = await service.change_role(session, access, member_id, body)
    forget_on_commit(session, kernel, changed.user_id)
    return changed


@router.post(
    "/{member_id}/suspend",
    operation_id="members_suspend",
    summary="Shut a member out of the workspace for a time",
    description="Their sessions and API keys are refused in it at once, and in no other.",
    responses=problems(MemberNotFound, MemberAboveOwn, LastOwner),
)
async def suspend_member(
    member_id: UUID, access: Writer, session: Session, kernel: KernelDep
) -> MemberRead:
    changed = await service.suspend(session, access, member_id)
    forget_on_commit(session, kernel, changed.user_id)
    return changed


@router.post(
    "/{member_id}/unsuspend",
    operation_id="members_unsuspend",
    summary="Let a suspended member in again",
    responses=problems(MemberNotFound, MemberAboveOwn),
)
async def unsuspend_member(
    member_id: UUID, access: Writer, session: Session, kernel: KernelDep
) -> MemberRead:
    changed = await service.unsuspend(session, access, member_id)
    forget_on_commit(session, kernel, changed.user_id)
    return changed


@router.delete(
    "/{member_id}",
    operation_id="members_delete",
    summary="Remove a member",
    description=(
        "For good, with the member's API keys in this workspace; an invitation brings them back."
    ),
    status_code=204,
    responses=problems(MemberNotFound, MemberAboveOwn, LastOwner, ServiceAccountMember),
)
async def delete_member(
    member_id: UUID, access: Writer, session: Session, kernel: KernelDep
) -> None:
    user_id = await service.remove(session, access, member_id)
    forget_on_commit(session, kernel, user_id)
