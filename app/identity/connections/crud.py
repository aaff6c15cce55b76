"""Queries on connections, domains and managed accounts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.connections.errors import SsoDomainTaken
from app.identity.connections.models import ManagedAccount, SsoConnection, SsoDomain
from app.identity.connections.schemas import SsoConnectionQuery
from app.identity.users.models import User
from app.identity.workspaces.models import CustomRole, Membership, Workspace


async def page(
    session: AsyncSession, workspace_id: UUID, query: SsoConnectionQuery, cursors: Cursors
) -> Slice[SsoConnection]:
    return await restorable.page(session, SsoConnection, workspace_id, query, cursors)


async def add(session: AsyncSession, connection: SsoConnection) -> SsoConnection:
    session.add(connection)
    await session.flush()
    return connection


async def get_domain(
    session: AsyncSession, workspace_id: UUID, domain_id: UUID, *, for_update: bool = False
) -> SsoDomain | None:
    statement = select(SsoDomain).where(
        SsoDomain.workspace_id == workspace_id, SsoDomain.id == domain_id
    )
    if for_update:
        statement = statement.with_for_update()
    found: SsoDomain | None = await session.scalar(statement)
    return found


async def page_domains(
    session: AsyncSession, workspace_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[SsoDomain]:
    return await fetch_page(
        session,
        select(SsoDomain).where(SsoDomain.workspace_id == workspace_id),
        Keyset(SsoDomain.created_at, SsoDomain.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


async def keep_domain(session: AsyncSession, domain: SsoDomain) -> SsoDomain:
    """Store a new or changed domain; raises SsoDomainTaken."""
    session.add(domain)
    try:
        await session.flush()
    except IntegrityError as error:
        raise SsoDomainTaken("It is in use already, here or in another workspace.") from error
    await session.refresh(domain)
    return domain


async def delete_domain(session: AsyncSession, domain: SsoDomain) -> None:
    await session.delete(domain)
    await session.flush()


async def proven_domains(session: AsyncSession, connection_id: UUID) -> Sequence[str]:
    """The domains that were proven for a connection: it speaks for no other of its workspace."""
    found = await session.scalars(
        select(SsoDomain.domain).where(
            SsoDomain.connection_id == connection_id, SsoDomain.verified_at.is_not(None)
        )
    )
    return found.all()


async def domains_to_check(
    session: AsyncSession, checked_before: datetime, most: int
) -> Sequence[SsoDomain]:
    """Proven domains whose record was not looked at since a time; the session is the system's."""
    last = func.coalesce(SsoDomain.checked_at, SsoDomain.verified_at)
    found = await session.scalars(
        select(SsoDomain)
        .where(SsoDomain.verified_at.is_not(None), last < checked_before)
        .order_by(last)
        .limit(most)
    )
    return found.all()


async def lock_domain(session: AsyncSession, domain_id: UUID) -> SsoDomain | None:
    """A domain as it is now, kept from changing; the session is the system's."""
    return await session.get(SsoDomain, domain_id, with_for_update=True)


def _living() -> Select[SsoConnection]:
    return (
        select(SsoConnection)
        .join(Workspace, Workspace.id == SsoConnection.workspace_id)
        .where(
            SsoConnection.deleted_at.is_(None),
            SsoConnection.enabled,
            Workspace.deleted_at.is_(None),
        )
    )


async def find_living(session: AsyncSession, connection_id: UUID) -> SsoConnection | None:
    """A connection of any workspace that can be signed in by; the session is the system's."""
    found: SsoConnection | None = await session.scalar(
        _living().where(SsoConnection.id == connection_id)
    )
    return found


async def find_by_domain(session: AsyncSession, domain: str) -> SsoConnection | None:
    """The connection that serves a proven domain; the session is the system's."""
    found: SsoConnection | None = await session.scalar(
        _living()
        .join(SsoDomain, SsoDomain.connection_id == SsoConnection.id)
        .where(SsoDomain.domain == domain, SsoDomain.verified_at.is_not(None))
    )
    return found


async def email_of(session: AsyncSession, user_id: UUID) -> str | None:
    """The address of an account."""
    found: str | None = await session.scalar(select(User.email).where(User.id == user_id))
    return found


async def membership(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, *, for_update: bool = False
) -> Membership | None:
    """Someone's place in a workspace."""
    statement = select(Membership).where(
        Membership.workspace_id == workspace_id, Membership.user_id == user_id
    )
    if for_update:
        statement = statement.with_for_update()
    found: Membership | None = await session.scalar(statement)
    return found


async def add_membership(session: AsyncSession, membership: Membership) -> Membership:
    session.add(membership)
    await session.flush()
    return membership


async def members_with_email(
    session: AsyncSession, workspace_id: UUID
) -> Sequence[tuple[Membership, str]]:
    """The people in a workspace, with their addresses."""
    found = await session.execute(
        select(Membership, User.email)
        .join(User, User.id == Membership.user_id)
        .where(Membership.workspace_id == workspace_id, User.kind == "person")
    )
    return [(row[0], row[1]) for row in found]


async def role_permissions(
    session: AsyncSession, workspace_id: UUID, role_id: UUID
) -> list[str] | None:
    """What a role of the workspace's own allows; None where there is none by this id."""
    found: list[str] | None = await session.scalar(
        select(CustomRole.permissions).where(
            CustomRole.workspace_id == workspace_id,
            CustomRole.id == role_id,
            CustomRole.deleted_at.is_(None),
        )
    )
    return found


async def manager_of(session: AsyncSession, user_id: UUID) -> UUID | None:
    """The workspace that manages an account, if one does."""
    found: UUID | None = await session.scalar(
        select(ManagedAccount.workspace_id).where(ManagedAccount.user_id == user_id)
    )
    return found


async def manage(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> None:
    """Note that a workspace brought an account to life."""
    session.add(ManagedAccount(workspace_id=workspace_id, user_id=user_id))
    await session.flush()
