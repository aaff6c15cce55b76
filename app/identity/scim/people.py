"""What a directory does with people: their rows, and the members and accounts behind them.

Accounts are reached through proven domains alone. One that the workspace does not manage loses
its membership and nothing else. Owners keep theirs: a directory cannot lock a workspace up.
Anyone can register an address: an account that never confirmed its own is taken from whoever has
it before it becomes a member, since the directory means the owner of the address.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from scim2_models import NotFoundException, UniquenessException

from app.core.audit import Note, note
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.kernel import Kernel
from app.core.versions import match
from app.identity.accounts import service as accounts
from app.identity.connections import crud as connections
from app.identity.connections import membership as places
from app.identity.connections.models import SsoConnection
from app.identity.connections.rules import domain_of
from app.identity.forgetting import forget_on_commit
from app.identity.members import service as members
from app.identity.scim import crud, protocol
from app.identity.scim.models import ScimUser
from app.identity.sessions import crud as sessions
from app.identity.users import crud as users
from app.identity.users import one_time
from app.identity.users.models import User
from app.identity.users.schemas import normal_email
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.models import Membership
from app.identity.workspaces.roles import Role

BY_ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class Directory:
    """Who calls: a connection's directory."""

    kernel: Kernel
    connection: SsoConnection
    base_url: str

    @property
    def workspace_id(self) -> UUID:
        return self.connection.workspace_id


async def find(
    session: AsyncSession, directory: Directory, scim_id: str, *, for_update: bool = False
) -> ScimUser:
    """A user of the directory's workspace; raises NotFoundException."""
    try:
        row = await crud.get_user(
            session, directory.workspace_id, UUID(scim_id), for_update=for_update
        )
    except ValueError:
        row = None
    if row is None:
        raise NotFoundException(detail="No such user.")
    return row


async def settle(session: AsyncSession, directory: Directory, row: ScimUser, told: Any) -> None:
    """Store a user as the directory tells it, and let account and membership follow.

    Whom an administrator has suspended is let in by no more than a change to active.
    """
    was_inactive = row.active is False
    protocol.fill_user(row, told)
    woken = was_inactive and row.active is not False
    await crud.keep(session, row)
    user = await _account_of(session, directory, row)
    if user is None:
        return
    managed = await connections.manager_of(session, user.id) == directory.workspace_id
    place = await connections.membership(session, directory.workspace_id, user.id, for_update=True)
    active = row.active is not False
    if active:
        if user.email_verified_at is None and not _is_owner(place):
            await _leave_to_its_owner(session, directory, user)
        if place is None:
            place = await places.join(session, directory.connection, user.id)
        if woken:
            places.suspend(session, place, suspended=False)
        await _give_role(session, directory, row, place)
    elif place is not None:
        places.suspend(session, place, suspended=True)
    if managed and not _is_owner(place):
        await _set_standing(session, directory, user, active=active)
        user.name = _name_of(row) or user.name
    forget_on_commit(session, directory.kernel, user.id)
    await session.flush()


async def remove(session: AsyncSession, directory: Directory, scim_id: str) -> None:
    """Forget a user; their membership ends, and an account that is managed is deactivated."""
    row = await find(session, directory, scim_id, for_update=True)
    await match(session, row)
    user = await users.get(session, row.user_id) if row.user_id else None
    await crud.drop(session, row)
    if user is None:
        return
    place = await connections.membership(session, directory.workspace_id, user.id, for_update=True)
    if _is_owner(place):
        return
    if place is not None:
        await members.end(session, place)
    if await connections.manager_of(session, user.id) == directory.workspace_id:
        await _set_standing(session, directory, user, active=False)
    forget_on_commit(session, directory.kernel, user.id)
    await session.flush()


async def give_roles(session: AsyncSession, directory: Directory, scim_ids: Iterable[UUID]) -> None:
    """Give users the roles of the groups that they are in now."""
    for row in await crud.of_users(session, directory.workspace_id, list(scim_ids)):
        if row.user_id is None:
            continue
        place = await connections.membership(
            session, directory.workspace_id, row.user_id, for_update=True
        )
        if place is not None:
            await _give_role(session, directory, row, place)
            forget_on_commit(session, directory.kernel, row.user_id)
    await session.flush()


async def _account_of(session: AsyncSession, directory: Directory, row: ScimUser) -> User | None:
    """The account of a row, made or found by an address of a proven domain."""
    if row.user_id is not None:
        return await users.get(session, row.user_id)
    proven = await connections.proven_domains(session, directory.connection.id)
    email = next((each for each in _addresses(row) if domain_of(each) in proven), None)
    if email is None:
        return None
    user = await users.find(session, email)
    if user is None:
        user = await users.add(
            session,
            User(email=email, name=_name_of(row), password_hash=None, email_verified_at=now()),
        )
        await workspaces.create_personal(session, user.id)
        await connections.manage(session, directory.workspace_id, user.id)
        _note(session, directory, "scim_user.provisioned", user)
    if await crud.of_account(session, directory.workspace_id, user.id):
        raise UniquenessException(detail="Another user has this address.")
    row.user_id = user.id
    await crud.keep(session, row)
    return user


async def _leave_to_its_owner(session: AsyncSession, directory: Directory, user: User) -> None:
    """Shut out whoever registered an address of the organisation and never confirmed it.

    Its owner sets a new password, by a mail to that address.
    """
    await users.lock(session, user.id)
    if user.email_verified_at is not None:  # meanwhile
        return
    await accounts.take_as_proved(session, directory.kernel, user)
    user.password_hash = None
    await one_time.end_all(session, user.id)
    ended = await sessions.revoke_of_user(session, user.id, now(), "provisioned")
    _note(session, directory, "scim_user.address_proved", user, sessions_ended=len(ended))


def _addresses(row: ScimUser) -> list[str]:
    """What may be the person's address: the user name first, then the primary, then the others."""
    emails = sorted(row.attributes.get("emails") or (), key=lambda e: not e.get("primary"))
    found = []
    for candidate in (row.user_name, *(each.get("value") for each in emails)):
        try:
            found.append(normal_email(str(candidate)))
        except ValueError:
            continue
    return found


def _name_of(row: ScimUser) -> str:
    told = row.attributes
    parts = told.get("name") or {}
    whole = " ".join(filter(None, (parts.get("givenName"), parts.get("familyName"))))
    return str(told.get("displayName") or parts.get("formatted") or whole)[:200]


def _is_owner(place: Membership | None) -> bool:
    return place is not None and place.role == Role.OWNER


async def _give_role(
    session: AsyncSession, directory: Directory, row: ScimUser, place: Membership
) -> None:
    if not directory.connection.group_roles:
        return
    held = await crud.groups_of(session, directory.workspace_id, [row.id])
    names = [name for _, name in held.get(row.id, [])]
    places.give_role(session, place, places.role_for(directory.connection, names))


async def _set_standing(
    session: AsyncSession, directory: Directory, user: User, *, active: bool
) -> None:
    """Deactivate an account and end its sessions, or take back what an organisation did before."""
    if active and user.deactivated_by == BY_ORGANISATION:
        user.status, user.deactivated_by = "active", None
        _note(session, directory, "scim_user.reactivated", user)
    elif not active and user.status == "active":
        user.status, user.deactivated_by = "deactivated", BY_ORGANISATION
        ended = await sessions.revoke_of_user(session, user.id, now(), "deprovisioned")
        _note(session, directory, "scim_user.deprovisioned", user, sessions_ended=len(ended))


def _note(
    session: AsyncSession, directory: Directory, action: str, user: User, **detail: object
) -> None:
    what = Note(
        action,
        "user",
        user.id,
        workspace_id=directory.workspace_id,
        subject_id=user.id,
        detail=detail,
    )
    note(session, what)
