"""/v1/invitations: into the workspace that the request serves; and accepting one."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session, SystemSession
from app.core.paging import CursorInvalid, Page
from app.identity.invitations import service
from app.identity.invitations.errors import (
    InvitationEnded,
    InvitationForAnother,
    InvitationNotFound,
    ResentTooSoon,
    TooManyInvitations,
)
from app.identity.invitations.models import Invitation
from app.identity.invitations.schemas import (
    InvitationAccept,
    InvitationAccepted,
    InvitationBulk,
    InvitationCreate,
    InvitationLinkCreate,
    InvitationLinkCreated,
    InvitationQuery,
    InvitationRead,
)
from app.identity.members.errors import AlreadyMember
from app.identity.roles.errors import RoleAboveOwn, RoleUnknown
from app.identity.sessions.errors import SessionRequired
from app.identity.sessions.guard import require_session
from app.identity.workspaces.errors import PersonalWorkspace

Reader = Annotated[Access, require(Permission.MEMBERS_READ)]
Writer = Annotated[Access, require(Permission.MEMBERS_WRITE)]
Person = Annotated[Access, require_session(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1/invitations", tag="invitations")


@router.get(
    "",
    operation_id="invitations_list",
    summary="List invitations, newest first",
    response_model=Page[InvitationRead],
    responses=problems(CursorInvalid),
)
async def list_invitations(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[InvitationQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="invitations_create",
    summary="Invite someone by e-mail",
    description=(
        "The mail holds a token for the account of that address. An earlier invitation of the "
        "address ends."
    ),
    status_code=201,
    response_model=InvitationRead,
    responses=problems(
        RoleAboveOwn, RoleUnknown, AlreadyMember, PersonalWorkspace, TooManyInvitations
    ),
)
async def create_invitation(
    body: InvitationCreate,
    access: Writer,
    session: Session,
    kernel: KernelDep,
    response: Response,
) -> Invitation:
    made = await service.invite(session, access, body, kernel.settings.app_url)
    response.headers["Location"] = f"/v1/invitations/{made.id}"
    return made


@router.post(
    "/links",
    operation_id="invitations_create_link",
    summary="Invite whoever holds a link",
    description="The token is shown in this answer and never again.",
    status_code=201,
    responses=problems(RoleAboveOwn, RoleUnknown, PersonalWorkspace),
)
async def create_invitation_link(
    body: InvitationLinkCreate, access: Writer, session: Session, response: Response
) -> InvitationLinkCreated:
    made, token = await service.make_link(session, access, body)
    response.headers["Location"] = f"/v1/invitations/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    shown = InvitationRead.model_validate(made).model_dump()
    return InvitationLinkCreated(**shown, token=token)


@router.post(
    "/bulk",
    operation_id="invitations_bulk",
    summary="Invite up to 500 people by e-mail",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_invitations(
    body: InvitationBulk, access: Writer, session: Session, kernel: KernelDep
) -> BulkResult:
    return await service.bulk(session, access, body.items, kernel.settings.app_url)


@router.post(
    "/accept",
    operation_id="invitations_accept",
    dependencies=[sensitive],
    summary="Accept an invitation",
    description="You become a member of its workspace; name that in `X-Workspace-Id` from then on.",
    responses=problems(
        InvitationNotFound, InvitationEnded, InvitationForAnother, AlreadyMember, SessionRequired
    ),
)
async def accept_invitation(
    body: InvitationAccept, access: Person, session: SystemSession
) -> InvitationAccepted:
    return await service.accept(session, access, body.token)


@router.get(
    "/{invitation_id}",
    operation_id="invitations_get",
    summary="Show an invitation",
    response_model=InvitationRead,
    responses=problems(InvitationNotFound),
)
async def get_invitation(invitation_id: UUID, access: Reader, session: Session) -> Invitation:
    return await service.get(session, access, invitation_id)


@router.delete(
    "/{invitation_id}",
    operation_id="invitations_delete",
    summary="Revoke an invitation",
    description="For good: a revoked one stays in the list and cannot be restored.",
    status_code=204,
    responses=problems(InvitationNotFound),
)
async def delete_invitation(invitation_id: UUID, access: Writer, session: Session) -> None:
    await service.revoke(session, access, invitation_id)


@router.post(
    "/{invitation_id}/resend",
    operation_id="invitations_resend",
    dependencies=[sensitive],
    summary="Mail an invitation again",
    description="With a fresh token, which ends the one before, and the time it had at first.",
    response_model=InvitationRead,
    responses=problems(
        InvitationNotFound, InvitationEnded, ResentTooSoon, RoleAboveOwn, RoleUnknown
    ),
)
async def resend_invitation(
    invitation_id: UUID, access: Writer, session: Session, kernel: KernelDep
) -> Invitation:
    return await service.resend(session, access, invitation_id, kernel.settings.app_url)
