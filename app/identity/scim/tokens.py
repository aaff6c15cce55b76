"""The credentials of directories: shown once, kept as hashes."""

import hashlib
import re
import secrets
from datetime import timedelta
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError, Unprocessable
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.identity.connections import service as connections
from app.identity.connections.giving import refuse_above_own
from app.identity.scim import tokens_crud as crud
from app.identity.scim.errors import ScimTokenInvalid, ScimTokenNotFound
from app.identity.scim.models import ScimToken
from app.identity.scim.schemas import ScimTokenCreate

PREFIX = "lum_scim_"
USED_EVERY = timedelta(minutes=1)
_FORM = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def create(
    session: AsyncSession, access: Access, new: ScimTokenCreate
) -> tuple[ScimToken, str]:
    """The row and the token itself, which is nowhere else.

    Raises SsoConnectionNotFound, and RoleAboveOwn where its roles allow more than the caller may.
    """
    if new.expires_at is not None and new.expires_at <= now():
        wrong = FieldError("/body/expires_at", "value_error", "must be in the future")
        raise Unprocessable("/body/expires_at: must be in the future", errors=(wrong,))
    connection = await connections.get(session, access, new.connection_id)
    await refuse_above_own(session, access, connection)
    token = PREFIX + secrets.token_urlsafe(32)
    row = ScimToken(
        workspace_id=access.workspace_id,
        connection_id=connection.id,
        name=new.name,
        last_four=token[-4:],
        token_hash=hash_of(token),
        expires_at=new.expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    made = await crud.add(session, row)
    note(session, Note("scim_token.created", "scim_token", made.id))
    return made, token


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[ScimToken]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def get(
    session: AsyncSession, access: Access, token_id: UUID, *, for_update: bool = False
) -> ScimToken:
    """A token of the caller's workspace; raises ScimTokenNotFound."""
    found = await crud.get(session, access.workspace_id, token_id, for_update=for_update)
    if found is None:
        raise ScimTokenNotFound
    return found


async def revoke(session: AsyncSession, access: Access, token_id: UUID) -> None:
    """For good: a revoked token stays listed and opens nothing."""
    token = await get(session, access, token_id, for_update=True)
    await match(session, token)
    if token.revoked_at is None:
        token.revoked_at = now()
        await session.flush()
        note(session, Note("scim_token.revoked", "scim_token", token.id))


async def resolve(session: AsyncSession, bearer: str) -> ScimToken:
    """The living token of a request; raises ScimTokenInvalid. The session is the system's."""
    row = await crud.find(session, hash_of(bearer)) if _FORM.fullmatch(bearer) else None
    moment = now()
    expired = row is not None and row.expires_at is not None and row.expires_at <= moment
    if row is None or row.revoked_at is not None or expired:
        raise ScimTokenInvalid("Make another one at /v1/scim-tokens.")
    if row.last_used_at is None or row.last_used_at <= moment - USED_EVERY:
        await crud.mark_used(session, row.id, moment)
    return row
