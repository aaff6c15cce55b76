"""What a workspace does with its tools' credentials."""

from uuid import UUID

import orjson

from app.agents.credentials import crud
from app.agents.credentials.errors import (
    ToolCredentialNotFound,
    ToolSecretNeeded,
)
from app.agents.credentials.models import ToolCredential
from app.agents.credentials.schemas import (
    AnySecret,
    ToolCredentialBulkItem,
    ToolCredentialCreate,
    ToolCredentialQuery,
    ToolCredentialUpdate,
    values_of,
)
from app.core import restorable
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.errors import FieldError, Unprocessable
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match


def seal_context(credential: ToolCredential) -> str:
    return f"tool_credential:{credential.workspace_id}:{credential.id}"


def write_secret(credential: ToolCredential, secret: AnySecret, vault: Vault) -> None:
    """Seal the secret into the row."""
    plain = orjson.dumps(values_of(secret), option=orjson.OPT_SORT_KEYS).decode()
    credential.kind = secret.kind
    credential.sealed_secret = vault.seal(plain, context=seal_context(credential))
    credential.fingerprint = vault.fingerprint(plain)


async def create(
    session: AsyncSession, access: Access, new: ToolCredentialCreate, vault: Vault
) -> ToolCredential:
    """Raises ToolCredentialNameTaken."""
    credential = ToolCredential(
        id=new_id(),
        workspace_id=access.workspace_id,
        name=new.name,
        description=new.description,
        hosts=list(new.hosts),
    )
    write_secret(credential, new.secret, vault)
    await crud.add(session, credential)
    return credential


async def get(
    session: AsyncSession, access: Access, credential_id: UUID, *, for_update: bool = False
) -> ToolCredential:
    """Raises ToolCredentialNotFound."""
    found = await crud.get(session, access.workspace_id, credential_id, for_update=for_update)
    if found is None:
        raise ToolCredentialNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: ToolCredentialQuery, cursors: Cursors
) -> Slice[ToolCredential]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession,
    access: Access,
    credential_id: UUID,
    change: ToolCredentialUpdate,
    vault: Vault,
) -> ToolCredential:
    """Raises ToolCredentialNotFound and ToolSecretNeeded.

    Whoever names a new host must know the secret: else it could be sent where nobody meant it to.
    """
    credential = await get(session, access, credential_id, for_update=True)
    await match(session, credential)
    if change.description is not None:
        credential.description = change.description
    if change.hosts is not None:
        added = set(change.hosts) - set(credential.hosts)
        if added and credential.ready and change.secret is None:
            raise ToolSecretNeeded(
                "The stored secret was given for other hosts: send `secret` with the new ones.",
                errors=(FieldError("/body/secret", ToolSecretNeeded.code, "needed with them"),),
            )
        credential.hosts = list(change.hosts)
    if change.secret is not None:
        write_secret(credential, change.secret, vault)
    _expect_hosts(credential)
    await session.flush()
    await session.refresh(credential)
    return credential


def _expect_hosts(credential: ToolCredential) -> None:
    if (credential.kind == "dsn") == bool(credential.hosts):
        detail = "must name where it may be sent; of a `dsn` it must be empty"
        raise Unprocessable(
            f"`hosts` {detail}.", errors=(FieldError("/body/hosts", "value_error", detail),)
        )


async def delete(session: AsyncSession, access: Access, credential_id: UUID) -> None:
    """The secret is destroyed at once."""
    credential = await get(session, access, credential_id, for_update=True)
    await match(session, credential)
    credential.deleted_at = now()
    credential.sealed_secret = credential.fingerprint = None
    await session.flush()


async def restore(session: AsyncSession, access: Access, credential_id: UUID) -> ToolCredential:
    """Bring a deleted one back, without the secret that was destroyed.

    Raises ToolCredentialNotFound, RestoreExpired and ToolCredentialNameTaken.
    """
    credential = await restorable.find(
        session, ToolCredential, access.workspace_id, credential_id, for_update=True
    )
    if credential is None:
        raise ToolCredentialNotFound
    restorable.expect_restorable(credential)
    if credential.deleted_at:
        await crud.restore(session, credential)
        await session.refresh(credential)
    return credential


async def bulk(
    session: AsyncSession, access: Access, items: list[ToolCredentialBulkItem]
) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: ToolCredentialBulkItem) -> UUID:
        done = delete if item.action == "delete" else restore
        await done(session, access, item.id)
        return item.id

    return await each(session, items, act)
