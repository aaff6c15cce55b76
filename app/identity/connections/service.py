"""What may be done with connections and domains, and whom they oblige."""

import hmac
import secrets
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.errors import FieldError, RestoreExpired
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.identity.connections import crud
from app.identity.connections.errors import (
    SsoConnectionNotFound,
    SsoDomainNotFound,
    SsoDomainUnproven,
    SsoNeedsDomain,
    SsoRequired,
    SsoRoleUnknown,
)
from app.identity.connections.models import SsoConnection, SsoDomain
from app.identity.connections.schemas import (
    CHALLENGE_HOST,
    CHALLENGE_PREFIX,
    GroupRole,
    SsoConnectionCreate,
    SsoConnectionQuery,
    SsoConnectionUpdate,
    SsoDomainCreate,
)
from app.identity.workspaces.roles import Role

GIVEN = frozenset({Role.ADMIN, Role.EDITOR, Role.VIEWER})


class Rule(StrEnum):
    """How an account may sign in, beside its organisation's own way."""

    FREE = "free"
    SECOND_FACTOR = "second_factor"
    ORGANISATION_ONLY = "organisation_only"


async def rule_of(session: AsyncSession, user_id: UUID) -> Rule:
    """What a connection that is required asks of an account; the session is the system's.

    Owners keep a way in for the day their provider fails, with a second factor.
    """
    email = await crud.email_of(session, user_id)
    connection = await crud.find_by_domain(session, domain_of(email)) if email else None
    if connection is None or not connection.required:
        return Rule.FREE
    place = await crud.membership(session, connection.workspace_id, user_id)
    if place is None:
        return Rule.FREE
    return Rule.SECOND_FACTOR if place.role == Role.OWNER else Rule.ORGANISATION_ONLY


async def allow_own_way(session: AsyncSession, user_id: UUID, *, second_factor: bool) -> None:
    """Raise SsoRequired where an account must sign in through its organisation instead."""
    rule = await rule_of(session, user_id)
    if rule == Rule.FREE or (rule == Rule.SECOND_FACTOR and second_factor):
        return
    if rule == Rule.SECOND_FACTOR:
        raise SsoRequired("As an owner you can also sign in here with a second factor.")
    raise SsoRequired("Begin with your e-mail address.")


def domain_of(email: str) -> str:
    """The domain of a normalised address, in ASCII."""
    domain = email.rpartition("@")[2]
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return domain.lower()


def sealing_context(connection_id: UUID) -> str:
    return f"sso_connections/{connection_id}"


async def get(
    session: AsyncSession, access: Access, connection_id: UUID, *, for_update: bool = False
) -> SsoConnection:
    """A connection of the caller's workspace; raises SsoConnectionNotFound."""
    found = await crud.get(session, access.workspace_id, connection_id, for_update=for_update)
    if found is None or found.deleted_at:
        raise SsoConnectionNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: SsoConnectionQuery, cursors: Cursors
) -> Slice[SsoConnection]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def create(
    session: AsyncSession, access: Access, vault: Vault, new: SsoConnectionCreate
) -> SsoConnection:
    await _check_roles(session, access.workspace_id, new.default_role, new.group_roles)
    connection_id = new_id()
    connection = SsoConnection(
        id=connection_id,
        workspace_id=access.workspace_id,
        name=new.name,
        settings=new.settings.model_dump(),
        sealed_client_secret=_sealed(vault, connection_id, new),
        enabled=True,
        required=False,
        create_members=new.create_members,
        default_role=new.default_role,
        group_roles=[each.model_dump() for each in new.group_roles],
        deleted_at=None,
    )
    return await crud.add(session, connection)


async def update(
    session: AsyncSession,
    access: Access,
    vault: Vault,
    connection_id: UUID,
    change: SsoConnectionUpdate,
) -> SsoConnection:
    connection = await get(session, access, connection_id, for_update=True)
    await match(session, connection)
    given = change.model_dump(exclude_unset=True, exclude_none=True, exclude={"client_secret"})
    await _check_roles(session, access.workspace_id, change.default_role, change.group_roles or [])
    if change.required and not await crud.has_proven_domain(session, connection):
        raise SsoNeedsDomain("It would bind no one: prove a domain of this connection first.")
    for name, value in given.items():
        setattr(connection, name, value)
    if (sealed := _sealed(vault, connection.id, change)) is not None:
        connection.sealed_client_secret = sealed
    await session.flush()
    await session.refresh(connection)
    return connection


async def delete(session: AsyncSession, access: Access, connection_id: UUID) -> None:
    """Soft: `restore` brings it back for 30 days. Until then no one signs in by it."""
    connection = await get(session, access, connection_id, for_update=True)
    await match(session, connection)
    connection.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, connection_id: UUID) -> SsoConnection:
    """Bring a deleted connection back; a living one stays as it is."""
    found = await crud.get(session, access.workspace_id, connection_id, for_update=True)
    if found is None:
        raise SsoConnectionNotFound
    if found.restorable_until and found.restorable_until < now():
        raise RestoreExpired
    found.deleted_at = None
    await session.flush()
    await session.refresh(found)
    return found


async def page_domains(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[SsoDomain]:
    return await crud.page_domains(session, access.workspace_id, query, cursors)


async def get_domain(
    session: AsyncSession, access: Access, domain_id: UUID, *, for_update: bool = False
) -> SsoDomain:
    """A domain of the caller's workspace; raises SsoDomainNotFound."""
    found = await crud.get_domain(session, access.workspace_id, domain_id, for_update=for_update)
    if found is None:
        raise SsoDomainNotFound
    return found


async def create_domain(session: AsyncSession, access: Access, new: SsoDomainCreate) -> SsoDomain:
    """A domain to be proven; raises SsoDomainTaken where this workspace has it already."""
    connection = await get(session, access, new.connection_id)
    return await crud.keep_domain(
        session,
        SsoDomain(
            workspace_id=access.workspace_id,
            connection_id=connection.id,
            domain=new.domain,
            challenge=secrets.token_hex(16),
            verified_at=None,
        ),
    )


async def verify_domain(
    session: AsyncSession, access: Access, domain_id: UUID, records: list[str]
) -> SsoDomain:
    """Take a domain for the workspace's own if its TXT records show the challenge.

    Raises SsoDomainUnproven, and SsoDomainTaken where another workspace has proven it.
    """
    domain = await get_domain(session, access, domain_id, for_update=True)
    await match(session, domain)
    expected = record_value(domain).encode()
    if not any(hmac.compare_digest(text.strip().encode(), expected) for text in records):
        raise SsoDomainUnproven(
            f"Add the TXT record `{record_name(domain)}` = `{record_value(domain)}`, wait until "
            "it can be seen, and try again."
        )
    if domain.verified_at is None:
        domain.verified_at = now()
        await crud.keep_domain(session, domain)
        note(session, Note("sso_domain.verified", "sso_domain", domain.id))
    return domain


async def delete_domain(session: AsyncSession, access: Access, domain_id: UUID) -> None:
    """Final: the proof can be given again."""
    domain = await get_domain(session, access, domain_id, for_update=True)
    await match(session, domain)
    await crud.delete_domain(session, domain)


def record_name(domain: SsoDomain) -> str:
    return f"{CHALLENGE_HOST}.{domain.domain}"


def record_value(domain: SsoDomain) -> str:
    return CHALLENGE_PREFIX + domain.challenge


def _sealed(vault: Vault, connection_id: UUID, new: Any) -> bytes | None:
    if new.client_secret is None:
        return None
    return vault.seal(new.client_secret.get_secret_value(), context=sealing_context(connection_id))


async def _check_roles(
    session: AsyncSession, workspace_id: UUID, default: str | None, groups: list[GroupRole]
) -> None:
    """Raise SsoRoleUnknown for a role that cannot be given. Ownership is never given this way."""
    wanted = [(f"/body/group_roles/{n}/role", each.role) for n, each in enumerate(groups)]
    if default is not None:
        wanted.append(("/body/default_role", default))
    wrong = [
        FieldError(pointer, SsoRoleUnknown.code, "not a role that can be given")
        for pointer, role in wanted
        if not await _can_be_given(session, workspace_id, role)
    ]
    if wrong:
        raise SsoRoleUnknown(
            "Name `admin`, `editor`, `viewer`, or the id of a role of this workspace.",
            errors=tuple(wrong),
        )


async def _can_be_given(session: AsyncSession, workspace_id: UUID, role: str) -> bool:
    if role in GIVEN:
        return True
    try:
        return await crud.is_role(session, workspace_id, UUID(role))
    except ValueError:
        return False
