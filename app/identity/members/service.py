"""What may be done with the members of a workspace."""

from collections.abc import Sequence
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.api_keys import service as api_keys
from app.identity.members import crud
from app.identity.members.errors import MemberAboveOwn, MemberNotFound, ServiceAccountMember
from app.identity.members.schemas import MemberQuery, MemberRead, MemberUpdate
from app.identity.roles.grants import Giver, Grant, choose, giver, standing_of
from app.identity.users.models import User
from app.identity.workspaces import crud as workspaces
from app.identity.workspaces.errors import LastOwner, PersonalWorkspace, WorkspaceNotFound
from app.identity.workspaces.models import Membership, Workspace
from app.identity.workspaces.roles import Role


async def page(
    session: AsyncSession, access: Access, query: MemberQuery, cursors: Cursors
) -> Slice[MemberRead]:
    rows = await crud.page(session, access.workspace_id, query, cursors)
    users = await crud.users(session, {row.user_id for row in rows.data})
    return rows.map(lambda row: read(row, users[row.user_id]))


async def get(session: AsyncSession, access: Access, member_id: UUID) -> MemberRead:
    """Raises MemberNotFound."""
    return await _shown(session, await _find(session, access.workspace_id, member_id))


async def change_role(
    session: AsyncSession, access: Access, member_id: UUID, change: MemberUpdate
) -> MemberRead:
    """Raises MemberNotFound, MemberAboveOwn, RoleAboveOwn, RoleUnknown and LastOwner."""
    workspace, member = await _taken_in_turn(session, access, member_id)
    grant = await choose(session, access.workspace_id, change)
    if grant.role != Role.OWNER:
        await _keep_an_owner(session, member)
    (await _above(session, access, member)).refuse_above(grant)
    await _refuse_strange_owner(session, workspace, member, grant)
    before = {"role": member.role, "role_id": member.role_id and str(member.role_id)}
    member.role, member.role_id = grant.role, grant.role_id
    await session.flush()
    after = {"role": grant.role, "role_id": grant.role_id and str(grant.role_id)}
    _note(session, "member.role_changed", member, before=before, after=after)
    return await _shown(session, member)


async def suspend(session: AsyncSession, access: Access, member_id: UUID) -> MemberRead:
    """Shut a member out until `unsuspend`; again is no error."""
    _, member = await _taken_in_turn(session, access, member_id)
    await _keep_an_owner(session, member)
    await _above(session, access, member)
    if member.suspended_at is None:
        member.suspended_at = now()
        await session.flush()
        _note(session, "member.suspended", member)
    return await _shown(session, member)


async def unsuspend(session: AsyncSession, access: Access, member_id: UUID) -> MemberRead:
    _, member = await _taken_in_turn(session, access, member_id)
    await _above(session, access, member)
    if member.suspended_at is not None:
        member.suspended_at = None
        await session.flush()
        _note(session, "member.unsuspended", member)
    return await _shown(session, member)


async def remove(session: AsyncSession, access: Access, member_id: UUID) -> UUID:
    """End a membership for good, with the member's keys in the workspace; returns the user's id."""
    _, member = await _taken_in_turn(session, access, member_id)
    await _keep_an_owner(session, member)
    await _above(session, access, member)
    if (await _user(session, member)).kind == "service":
        raise ServiceAccountMember("Delete the service account instead.")
    await end(session, member)
    return member.user_id


async def leave(session: AsyncSession, access: Access, workspace_id: UUID) -> None:
    """End one's own membership; the session is the system's.

    Raises WorkspaceNotFound, PersonalWorkspace and LastOwner.
    """
    workspace = await workspaces.lock(session, workspace_id)
    member = await crud.of_user(session, workspace_id, access.user_id)
    if workspace is None or workspace.deleted_at is not None or member is None:
        raise WorkspaceNotFound
    if workspace.kind == "personal" and member.role == Role.OWNER:
        raise PersonalWorkspace("It goes with your account.")
    await _keep_an_owner(session, member)
    await end(session, member)


async def is_member(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> bool:
    """Whether someone is a member of a workspace, suspended or not."""
    return await crud.of_user(session, workspace_id, user_id) is not None


async def owners(session: AsyncSession, workspace_id: UUID) -> Sequence[UUID]:
    """The people who can act as owners of a workspace."""
    return await crud.owners(session, workspace_id)


async def join(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, grant: Grant
) -> Membership:
    """Make someone a member; who may give that role was decided before. Raises AlreadyMember."""
    return await crud.add(
        session,
        Membership(
            id=new_id(),
            workspace_id=workspace_id,
            user_id=user_id,
            role=grant.role,
            role_id=grant.role_id,
            suspended_at=None,
        ),
    )


async def end(session: AsyncSession, member: Membership) -> Sequence[UUID]:
    """Take someone out of a workspace and end their keys there; returns the keys' ids.

    Have the user forgotten on commit, or the keys live on in memory for some seconds.
    """
    ended = await api_keys.revoke_all(session, member.workspace_id, member.user_id)
    await session.delete(member)
    await session.flush()
    _note(session, "member.removed", member, user_id=str(member.user_id), keys_revoked=len(ended))
    return ended


async def _taken_in_turn(
    session: AsyncSession, access: Access, member_id: UUID
) -> tuple[Workspace, Membership]:
    """A member who nobody else changes at the same time, and the workspace."""
    workspace = await workspaces.lock(session, access.workspace_id)
    if workspace is None:
        raise WorkspaceNotFound
    member = await _find(session, access.workspace_id, member_id)
    await match(session, member)
    return workspace, member


async def _find(session: AsyncSession, workspace_id: UUID, member_id: UUID) -> Membership:
    member = await crud.get(session, workspace_id, member_id)
    if member is None:
        raise MemberNotFound
    return member


async def _keep_an_owner(session: AsyncSession, member: Membership) -> None:
    """Raise LastOwner where no other owner would be left to act."""
    if member.role == Role.OWNER and not await crud.acting_owners(
        session, member.workspace_id, but=member.id
    ):
        raise LastOwner


async def _above(session: AsyncSession, access: Access, member: Membership) -> Giver:
    """The caller as a giver of roles; raises MemberAboveOwn for a member who may do more."""
    mine = await standing_of(session, access.workspace_id, access.user_id)
    theirs = await workspaces.place(session, access.workspace_id, member.user_id)
    if theirs is not None and theirs.membership.role == Role.OWNER and not mine.is_owner:
        raise MemberAboveOwn("Only an owner changes an owner.")
    if theirs is not None and not theirs.permissions <= mine.permissions:
        raise MemberAboveOwn("Ask someone whose role allows as much.")
    return await giver(session, access)


async def _refuse_strange_owner(
    session: AsyncSession, workspace: Workspace, member: Membership, grant: Grant
) -> None:
    if grant.role != Role.OWNER:
        return
    if workspace.kind == "personal" and member.role != Role.OWNER:
        raise PersonalWorkspace("It has one owner.")
    if (await _user(session, member)).kind == "service":
        raise ServiceAccountMember("An owner is a person.")


async def _user(session: AsyncSession, member: Membership) -> User:
    return (await crud.users(session, [member.user_id]))[member.user_id]


async def _shown(session: AsyncSession, member: Membership) -> MemberRead:
    return read(member, await _user(session, member))


def read(member: Membership, user: User) -> MemberRead:
    """A member with what the account says of them."""
    is_service = user.kind == "service"
    return MemberRead(
        id=member.id,
        user_id=member.user_id,
        kind="service" if is_service else "person",
        name=user.name,
        email=None if is_service else user.email,
        role=member.role,
        role_id=member.role_id,
        suspended_at=member.suspended_at,
        created_at=member.created_at,
        updated_at=member.updated_at,
        version=member.version,
    )


def _note(session: AsyncSession, action: str, member: Membership, **detail: object) -> None:
    what = Note(
        action, "membership", member.id, workspace_id=member.workspace_id, detail=dict(detail)
    )
    note(session, what)
