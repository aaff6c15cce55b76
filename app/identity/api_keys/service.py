"""What may be done with API keys."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.identity.api_keys import crud, secret
from app.identity.api_keys.errors import ApiKeyNotFound, ScopeNotHeld
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.schemas import ApiKeyCreate, ApiKeyUpdate

# What a key has only when it is asked for: with these a stolen key could make itself at home.
ASKED_FOR = frozenset(
    {
        Permission.API_KEYS_WRITE,
        Permission.INTEGRATIONS_WRITE,
        Permission.PROFILE_WRITE,
        Permission.WORKSPACES_WRITE,
    }
)


async def create(session: AsyncSession, access: Access, new: ApiKeyCreate) -> tuple[ApiKey, str]:
    """The row and the key itself, which is nowhere else; raises ScopeNotHeld."""
    wanted = access.permissions - ASKED_FOR if new.scopes is None else frozenset(new.scopes)
    _refuse_more_than_held(access, new.scopes or [])
    return await issue(
        session,
        access.workspace_id,
        access.user_id,
        name=new.name,
        scopes=wanted,
        expires_at=new.expires_at,
    )


async def issue(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    *,
    name: str,
    scopes: Iterable[Permission],
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; who may ask for which scopes was decided before."""
    key = secret.make()
    row = ApiKey(
        id=new_id(),
        workspace_id=workspace_id,
        user_id=user_id,
        name=name,
        last_four=key[-4:],
        secret_hash=secret.hash_of(key),
        scopes=sorted(scopes),
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    return await crud.add(session, row), key


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[ApiKey]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def get(session: AsyncSession, access: Access, key_id: UUID) -> ApiKey:
    """One of the caller's own keys; raises ApiKeyNotFound."""
    key = await crud.get(session, access.workspace_id, access.user_id, key_id)
    if key is None:
        raise ApiKeyNotFound
    return key


async def update(
    session: AsyncSession, access: Access, key_id: UUID, change: ApiKeyUpdate
) -> ApiKey:
    key = await get(session, access, key_id)
    key.name = change.name
    await session.flush()
    return key


async def revoke(session: AsyncSession, access: Access, key_id: UUID) -> None:
    """End a key for good; again is no error."""
    key = await get(session, access, key_id)
    key.revoked_at = key.revoked_at or now()
    await session.flush()


def _refuse_more_than_held(access: Access, scopes: list[Permission]) -> None:
    beyond = [(i, scope) for i, scope in enumerate(scopes) if scope not in access.permissions]
    if beyond:
        names = ", ".join(f"`{scope}`" for _, scope in beyond)
        raise ScopeNotHeld(
            f"You do not have {names}.",
            errors=tuple(
                FieldError(f"/body/scopes/{i}", ScopeNotHeld.code, f"you do not have {scope}")
                for i, scope in beyond
            ),
        )
