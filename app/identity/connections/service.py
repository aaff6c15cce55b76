"""What may be done with connections to identity providers."""

from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.identity.connections import crud
from app.identity.connections.errors import (
    SsoConnectionNotFound,
    SsoNeedsDomain,
    SsoSecretNeeded,
)
from app.identity.connections.giving import (
    check_roles,
    refuse_above_own,
    refuse_all_but_owners,
)
from app.identity.connections.models import SsoConnection
from app.identity.connections.schemas import (
    SsoConnectionCreate,
    SsoConnectionQuery,
    SsoConnectionUpdate,
)


def sealing_context(connection_id: UUID) -> str:
    return f"sso_connections/{connection_id}"


async def get(
    session: AsyncSession, access: Access, connection_id: UUID, *, for_update: bool = False
) -> SsoConnection:
    """A connection of the caller's workspace; raises SsoConnectionNotFound."""
    found = await restorable.find(
        session, SsoConnection, access.workspace_id, connection_id, for_update=for_update
    )
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
    """Raises SsoRoleUnknown, and RoleAboveOwn for who is no owner."""
    await refuse_all_but_owners(session, access)
    await check_roles(session, access, new.default_role, new.group_roles)
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
    made = await crud.add(session, connection)
    _note(session, "created", made, type=made.settings["type"])
    return made


async def update(
    session: AsyncSession,
    access: Access,
    vault: Vault,
    connection_id: UUID,
    change: SsoConnectionUpdate,
) -> SsoConnection:
    """Raises SsoConnectionNotFound, and what stands in the way of the change."""
    connection = await get(session, access, connection_id, for_update=True)
    await match(session, connection)
    await _check_change(session, access, connection, change)
    given = change.model_dump(exclude_unset=True, exclude_none=True, exclude={"client_secret"})
    for name, value in given.items():
        setattr(connection, name, value)
    changed = sorted(given)
    if (sealed := _sealed(vault, connection.id, change)) is not None:
        connection.sealed_client_secret = sealed
        changed.append("client_secret")
    await session.flush()
    await session.refresh(connection)
    _note(session, "updated", connection, fields=changed)
    return connection


async def _check_change(
    session: AsyncSession, access: Access, connection: SsoConnection, change: SsoConnectionUpdate
) -> None:
    if change.settings is not None or change.client_secret is not None:
        await refuse_all_but_owners(session, access)
    await refuse_above_own(session, access, connection)
    await check_roles(session, access, change.default_role, change.group_roles or [])
    if change.required and not await crud.proven_domains(session, connection.id):
        raise SsoNeedsDomain("It would bind no one: prove a domain of this connection first.")
    if change.client_secret is None and _moves(connection, change):
        raise SsoSecretNeeded


def _moves(connection: SsoConnection, change: SsoConnectionUpdate) -> bool:
    """Whether a stored secret would be shown to another provider than it was given for."""
    if change.settings is None or change.settings.type != "oidc":
        return False
    return change.settings.issuer != connection.settings.get("issuer")


async def delete(session: AsyncSession, access: Access, connection_id: UUID) -> None:
    """Soft: `restore` brings it back for 30 days. Until then no one signs in by it."""
    connection = await get(session, access, connection_id, for_update=True)
    await match(session, connection)
    connection.deleted_at = now()
    await session.flush()
    _note(session, "deleted", connection)


async def restore(session: AsyncSession, access: Access, connection_id: UUID) -> SsoConnection:
    """Bring a deleted connection back; a living one stays as it is. Raises RoleAboveOwn."""
    found = await restorable.find(
        session, SsoConnection, access.workspace_id, connection_id, for_update=True
    )
    if found is None:
        raise SsoConnectionNotFound
    restorable.expect_restorable(found)
    await refuse_above_own(session, access, found)
    found.deleted_at = None
    await session.flush()
    await session.refresh(found)
    _note(session, "restored", found)
    return found


def _sealed(vault: Vault, connection_id: UUID, new: Any) -> bytes | None:
    if new.client_secret is None:
        return None
    return vault.seal(new.client_secret.get_secret_value(), context=sealing_context(connection_id))


def _note(session: AsyncSession, what: str, connection: SsoConnection, **detail: object) -> None:
    note(session, Note(f"sso_connection.{what}", "sso_connection", connection.id, detail=detail))
