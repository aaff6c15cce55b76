"""Who a person is to `oversight.privacy`: their account, what is theirs alone, and its locks."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.core.db import SYSTEM, Database
from app.identity.api_keys.models import ApiKey
from app.identity.service_accounts.models import ServiceAccount
from app.identity.sessions.models import UserSession
from app.identity.users.models import User
from app.identity.workspaces.models import Membership, Workspace
from app.identity.workspaces.roles import Role
from app.oversight.privacy.people import OwnedWorkspace, Person
from app.oversight.privacy.stores import Entry, Tally, no_entries

_Own = aliased(Membership)
_Other = aliased(Membership)


class IdentityPeople:
    """Implements `People`. All but `at_home` need SYSTEM."""

    async def find(self, session: AsyncSession, user_id: UUID) -> Person | None:
        user = await session.get(User, user_id)
        if user is None:
            return None
        alone = or_(
            (Workspace.kind == "personal") & (_Own.role == Role.OWNER),
            ~_another_person(),
            Workspace.deleted_at.is_not(None) & _owns_alone(),
        )
        found = await session.scalars(
            select(Workspace.id)
            .join(_Own, _Own.workspace_id == Workspace.id)
            .where(_Own.user_id == user_id, alone)
        )
        return Person(user.id, user.email, user.name, frozenset(found))

    async def owned_alone(self, session: AsyncSession, user_id: UUID) -> Sequence[OwnedWorkspace]:
        found = await session.execute(
            select(Workspace.id, Workspace.name)
            .join(_Own, _Own.workspace_id == Workspace.id)
            .where(
                _Own.user_id == user_id,
                Workspace.kind != "personal",
                Workspace.deleted_at.is_(None),
                _another_person(),
                _owns_alone(),
            )
            .order_by(Workspace.id)
        )
        return [OwnedWorkspace(row[0], row[1]) for row in found]

    async def at_home(self, session: AsyncSession, workspace_id: UUID) -> Sequence[UUID]:
        found = await session.scalars(
            select(Membership.user_id)
            .join(Workspace, Workspace.id == Membership.workspace_id)
            .where(
                Workspace.id == workspace_id,
                Workspace.kind == "personal",
                Membership.role == Role.OWNER,
            )
        )
        return found.all()

    async def lock_out(self, session: AsyncSession, user_id: UUID) -> int:
        ended = 0
        for credential in (UserSession, ApiKey):
            result: CursorResult[Any] = await session.execute(  # type: ignore[assignment]
                delete(credential).where(credential.user_id == user_id)
            )
            ended += result.rowcount
        return ended


class ServiceAccountStore:
    """The accounts of programs, as a store of personal data: they go with their workspace.

    An account's own row belongs to no workspace, so the declarations cannot tell that it does.
    """

    name = "service accounts"

    def __init__(self, database: Database) -> None:
        self._database = database

    def export(self, person: Person) -> AsyncIterator[Entry]:  # noqa: ARG002
        return no_entries()

    async def erase(self, person: Person, tally: Tally) -> None:
        async with self._database.unit(SYSTEM) as session:
            result: CursorResult[Any] = await session.execute(  # type: ignore[assignment]
                delete(User).where(_serves(person))
            )
            if result.rowcount:
                await tally.add("postgres/users", "deleted", result.rowcount, session=session)

    async def left(self, person: Person) -> int:
        async with self._database.unit(SYSTEM) as session:
            found = select(func.count()).select_from(User).where(_serves(person))
            return await session.scalar(found) or 0


def _serves(person: Person) -> ColumnElement[bool]:
    of_theirs = select(ServiceAccount.user_id).where(
        ServiceAccount.workspace_id.in_(person.workspaces)
    )
    return (User.kind == "service") & User.id.in_(of_theirs)


def _another_person() -> ColumnElement[bool]:
    """Whether someone else is in the workspace; its service accounts are nobody."""
    return exists(
        select(_Other.id)
        .join(User, User.id == _Other.user_id)
        .where(
            _Other.workspace_id == _Own.workspace_id,
            _Other.user_id != _Own.user_id,
            User.kind == "person",
        )
    )


def _owns_alone() -> ColumnElement[bool]:
    another_owner = exists(
        select(_Other.id)
        .join(User, User.id == _Other.user_id)
        .where(
            _Other.workspace_id == _Own.workspace_id,
            _Other.user_id != _Own.user_id,
            _Other.role == Role.OWNER,
            User.kind == "person",
        )
    )
    return (_Own.role == Role.OWNER) & ~another_owner
