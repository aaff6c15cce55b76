"""Inviting people into a workspace, and coming in."""

from datetime import timedelta
from uuid import UUID

from app.core import mail
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity import link_tokens
from app.identity.invitations import crud, letters
from app.identity.invitations.errors import (
    InvitationEnded,
    InvitationForAnother,
    InvitationNotFound,
    ResentTooSoon,
    TooManyInvitations,
)
from app.identity.invitations.models import Invitation
from app.identity.invitations.schemas import (
    InvitationAccepted,
    InvitationCreate,
    InvitationLinkCreate,
    InvitationQuery,
)
from app.identity.members import crud as members_crud
from app.identity.members import service as members
from app.identity.members.errors import AlreadyMember
from app.identity.roles.errors import RoleAboveOwn, RoleUnknown
from app.identity.roles.grants import Grant, choose, giver, standing_of
from app.identity.roles.schemas import RoleChoice
from app.identity.users import crud as users
from app.identity.users.models import User
from app.identity.workspaces import crud as workspaces
from app.identity.workspaces import service as workspaces_service
from app.identity.workspaces.errors import PersonalWorkspace
from app.identity.workspaces.models import Workspace
from app.identity.workspaces.roles import Role

RESEND_SECONDS = 60
MOST_A_DAY = 1000
MOST_A_DAY_TO_ONE = 5


async def invite(
    session: AsyncSession, access: Access, new: InvitationCreate, app_url: str
) -> Invitation:
    """Mail an invitation; one that was still open for the address ends.

    Raises RoleAboveOwn, RoleUnknown, PersonalWorkspace, AlreadyMember and TooManyInvitations.
    """
    workspace, grant = await _granted(session, access, new)
    user = await users.find(session, new.email)
    if user and await members_crud.of_user(session, access.workspace_id, user.id):
        raise AlreadyMember(f"{new.email} is in this workspace.")
    await _refuse_flood(session, access.workspace_id, new.email)
    earlier = await crud.pending(session, access.workspace_id, new.email)
    if earlier is not None:
        earlier.revoked_at = now()
    token, token_hash = link_tokens.make()
    made = _made(access, grant, token_hash, new.expires_in_hours)
    made.kind, made.email, made.max_uses, made.sent_at = "email", new.email, 1, now()
    await _send(session, made, workspace, app_url, token)
    return await crud.add(session, made)


async def _refuse_flood(session: AsyncSession, workspace_id: UUID, email: str) -> None:
    """Keep a workspace from being a way to flood someone's mailbox."""
    day = now() - timedelta(days=1)
    if await crud.mailed_since(session, workspace_id, day, email) >= MOST_A_DAY_TO_ONE:
        raise TooManyInvitations(f"{email} was invited {MOST_A_DAY_TO_ONE} times within a day.")
    if await crud.mailed_since(session, workspace_id, day) >= MOST_A_DAY:
        raise TooManyInvitations(f"At most {MOST_A_DAY} a day; use an invitation link.")


async def make_link(
    session: AsyncSession, access: Access, new: InvitationLinkCreate
) -> tuple[Invitation, str]:
    """An invitation for whoever holds the token, which is nowhere else."""
    _, grant = await _granted(session, access, new)
    token, token_hash = link_tokens.make()
    made = _made(access, grant, token_hash, new.expires_in_hours)
    made.kind, made.max_uses = "link", new.max_uses
    return await crud.add(session, made), token


async def bulk(
    session: AsyncSession, access: Access, items: list[InvitationCreate], app_url: str
) -> BulkResult:
    """Each address on its own: one that fails leaves the others invited."""

    async def act(item: InvitationCreate) -> UUID:
        return (await invite(session, access, item, app_url)).id

    return await each(session, items, act)


async def page(
    session: AsyncSession, access: Access, query: InvitationQuery, cursors: Cursors
) -> Slice[Invitation]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def get(
    session: AsyncSession, access: Access, invitation_id: UUID, *, lock: bool = False
) -> Invitation:
    """Raises InvitationNotFound."""
    found = await crud.get(session, access.workspace_id, invitation_id, lock=lock)
    if found is None:
        raise InvitationNotFound
    return found


async def revoke(session: AsyncSession, access: Access, invitation_id: UUID) -> None:
    """End an invitation for good; again is no error."""
    found = await get(session, access, invitation_id, lock=True)
    await match(session, found)
    if found.revoked_at is None:
        found.revoked_at = now()
        note(session, Note("invitation.revoked", "invitation", found.id))
        await session.flush()


async def resend(
    session: AsyncSession, access: Access, invitation_id: UUID, app_url: str
) -> Invitation:
    """Mail an invitation again with a fresh token and as much time as it had at first.

    Raises InvitationNotFound, InvitationEnded for one that was used or revoked, and ResentTooSoon.
    """
    found = await get(session, access, invitation_id, lock=True)
    if found.kind != "email" or found.status in ("accepted", "revoked"):
        raise InvitationEnded("Make a new one.")
    moment = now()
    since = (moment - (found.sent_at or found.created_at)).total_seconds()
    if since < RESEND_SECONDS:
        raise ResentTooSoon(retry_after=RESEND_SECONDS - since)
    workspace, _ = await _granted(session, access, _choice_of(found))
    token, found.token_hash = link_tokens.make()
    found.expires_at += moment - (found.sent_at or found.created_at)
    found.sent_at, found.invited_by_id = moment, access.user_id
    await _send(session, found, workspace, app_url, token)
    await session.flush()
    return found


async def accept(session: AsyncSession, access: Access, token: str) -> InvitationAccepted:
    """Make the caller a member; the session is the system's.

    Raises InvitationNotFound, InvitationEnded, InvitationForAnother and AlreadyMember.
    """
    found = await crud.by_token(session, link_tokens.hash_of(token))
    if found is None:
        raise InvitationNotFound("Check the token: it may have been cut.")
    workspace = await workspaces.lock(session, found.workspace_id)
    user = await users.get(session, access.user_id)
    if workspace is None or user is None:
        raise InvitationNotFound
    if workspace.deleted_at is not None or found.status != "pending":
        raise InvitationEnded("Ask for a new one.")
    if found.email is not None and found.email != user.email.lower():
        raise InvitationForAnother("Sign in with the account of the address it was mailed to.")
    member = await members.join(session, workspace.id, user.id, await _still_good(session, found))
    found.use_count += 1
    if found.kind == "email":
        found.accepted_by_id = user.id
    await session.flush()
    _note_accepted(session, found, user)
    return InvitationAccepted(
        workspace=workspaces_service.read(workspace, member), member=members.read(member, user)
    )


async def _granted(
    session: AsyncSession, access: Access, choice: RoleChoice
) -> tuple[Workspace, Grant]:
    """The role to invite to, which the caller may give, and the workspace."""
    grant = await choose(session, access.workspace_id, choice)
    (await giver(session, access)).refuse_above(grant)
    place = await workspaces_service.living(session, access, access.workspace_id)
    if place.workspace.kind == "personal" and grant.role == Role.OWNER:
        raise PersonalWorkspace("It has one owner.")
    return place.workspace, grant


async def _still_good(session: AsyncSession, found: Invitation) -> Grant:
    """What an invitation gives, while whoever made it could still give it."""
    try:
        grant = await choose(session, found.workspace_id, _choice_of(found))
        inviter = found.invited_by_id or new_id()
        (await standing_of(session, found.workspace_id, inviter)).refuse_above(grant)
    except (RoleUnknown, RoleAboveOwn):
        raise InvitationEnded("Ask for a new one.") from None
    return grant


def _choice_of(found: Invitation) -> RoleChoice:
    return RoleChoice.model_validate({"role": found.role, "role_id": found.role_id})


def _made(access: Access, grant: Grant, token_hash: bytes, hours: int) -> Invitation:
    return Invitation(
        id=new_id(),
        workspace_id=access.workspace_id,
        role=grant.role,
        role_id=grant.role_id,
        token_hash=token_hash,
        use_count=0,
        invited_by_id=access.user_id,
        expires_at=now() + timedelta(hours=hours),
        revoked_at=None,
    )


async def _send(
    session: AsyncSession, invitation: Invitation, workspace: Workspace, app_url: str, token: str
) -> None:
    assert invitation.email is not None  # noqa: S101 - only those by e-mail are sent
    hours = max(1, round((invitation.expires_at - now()).total_seconds() / 3600))
    await mail.queue(
        session,
        to=invitation.email,
        subject=letters.subject(workspace.name),
        text=letters.text(workspace.name, app_url, token, hours),
    )


def _note_accepted(session: AsyncSession, found: Invitation, user: User) -> None:
    what = Note(
        "invitation.accepted",
        "invitation",
        found.id,
        workspace_id=found.workspace_id,
        subject_id=user.id,
        detail={"role": found.role, "role_id": found.role_id and str(found.role_id)},
    )
    note(session, what)
