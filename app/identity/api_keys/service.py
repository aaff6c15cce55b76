"""What may be done with API keys."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.identity.api_keys import crud, secret
from app.identity.api_keys.errors import ApiKeyEnded, ApiKeyNotFound, ScopeNotHeld
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.rules import rules_of, stored
from app.identity.api_keys.schemas import ApiKeyBulkItem, ApiKeyCreate, ApiKeyUpdate
from app.identity.api_keys.terms import FREE, Terms, of_caller, terms_of
from app.identity.workspaces.roles import known_permissions

# What a key has only when it is asked for: with these a stolen key could make itself at home, or
# decide what waits for a person.
ASKED_FOR = frozenset(
    {
        Permission.API_KEYS_WRITE,
        Permission.BUDGETS_WRITE,
        Permission.CACHES_WRITE,
        Permission.CUSTOMERS_WRITE,
        Permission.GUARDRAILS_WRITE,
        Permission.INTEGRATIONS_WRITE,
        Permission.MEMBERS_WRITE,
        Permission.PRICES_WRITE,
        Permission.PRIVACY_WRITE,
        Permission.PROFILE_WRITE,
        Permission.ROLES_WRITE,
        Permission.ROUTES_WRITE,
        Permission.SERVICE_ACCOUNTS_WRITE,
        Permission.SHARES_WRITE,
        Permission.SSO_WRITE,
        Permission.TOOLS_WRITE,
        Permission.WORKFLOW_TASKS_WRITE,
        Permission.WORKSPACES_WRITE,
    }
)


async def create(session: AsyncSession, access: Access, new: ApiKeyCreate) -> tuple[ApiKey, str]:
    """The row and the key itself, which is nowhere else.

    Raises ScopeNotHeld, and KeyFreerThanOwn where a key makes one.
    """
    return await create_for(session, access, access.user_id, access.permissions, new)


async def create_for(
    session: AsyncSession,
    access: Access,
    user_id: UUID,
    held: frozenset[Permission],
    new: ApiKeyCreate,
) -> tuple[ApiKey, str]:
    """A key of a user who has `held`: it can do no more than that user, and than the caller."""
    held &= access.permissions
    wanted = held - ASKED_FOR if new.scopes is None else frozenset(new.scopes)
    refuse_more_than_held(held, new.scopes or [])
    terms = Terms(
        new.expires_at,
        new.allowed_addresses,
        [limit.model_dump() for limit in new.limits],
        new.rules,
    )
    made, key = await issue(
        session,
        access.workspace_id,
        user_id,
        name=new.name,
        scopes=wanted,
        terms=(await of_caller(session, access)).inherited_by(terms),
        issued_by_id=access.user_id,
        metadata=new.metadata,
    )
    _note(session, "api_key.created", made, scopes=made.scopes, user_id=str(user_id))
    return made, key


async def issue(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    *,
    name: str,
    scopes: Iterable[Permission],
    terms: Terms = FREE,
    issued_by_id: UUID | None = None,
    metadata: dict[str, Any] | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; who may ask for which scopes was decided before."""
    key = secret.make()
    row = ApiKey(
        id=new_id(),
        workspace_id=workspace_id,
        user_id=user_id,
        issued_by_id=issued_by_id or user_id,
        name=name,
        last_four=key[-4:],
        secret_hash=secret.hash_of(key),
        scopes=sorted(scopes),
        allowed_addresses=list(terms.allowed_addresses),
        limits=list(terms.limits),
        **stored(terms.rules),
        labels=metadata or {},
        expires_at=terms.expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    return await crud.add(session, row), key


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[ApiKey]:
    return await page_of(session, access, access.user_id, query, cursors)


async def page_of(
    session: AsyncSession, access: Access, user_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ApiKey]:
    """The keys of a user in the caller's workspace."""
    return await crud.page(session, access.workspace_id, user_id, query, cursors)


async def get(session: AsyncSession, access: Access, key_id: UUID) -> ApiKey:
    """One of the caller's own keys, or of a service account it may see; raises ApiKeyNotFound."""
    return await _find(session, access, key_id, Permission.SERVICE_ACCOUNTS_READ)


async def update(
    session: AsyncSession, access: Access, key_id: UUID, change: ApiKeyUpdate
) -> ApiKey:
    """Raises ApiKeyNotFound, and KeyFreerThanOwn where a key loosens one."""
    key = await _writable(session, access, key_id)
    await match(session, key)
    held, given = await of_caller(session, access), change.model_fields_set
    if change.name is not None:
        key.name = change.name
    if "allowed_addresses" in given:
        key.allowed_addresses = list(change.allowed_addresses or ())
    if "limits" in given:
        key.limits = [limit.model_dump() for limit in change.limits or ()]
    if "metadata" in given:
        key.labels = change.metadata or {}
    for name, value in change.ruled().items():
        setattr(key, name, value)
    if given - {"name", "metadata"}:
        held.refuse_freer(terms_of(key))
    await session.flush()
    return key


async def rotate(
    session: AsyncSession, access: Access, key_id: UUID, overlap_seconds: int
) -> tuple[ApiKey, str]:
    """A new secret for a key; the one before works for `overlap_seconds` more, 0 for not at all.

    Raises ApiKeyNotFound, ApiKeyEnded, and for a key that can do more than the caller ScopeNotHeld
    and KeyFreerThanOwn.
    """
    key = await _writable(session, access, key_id, for_update=True)
    moment = now()
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= moment):
        raise ApiKeyEnded("Make a new one.")
    if beyond := known_permissions(key.scopes) - access.permissions:
        raise ScopeNotHeld(f"The key has {_named(beyond)}, and you do not.")
    (await of_caller(session, access)).refuse_freer(terms_of(key))
    new = secret.make()
    key.previous_secret_hash = key.secret_hash if overlap_seconds else None
    key.previous_valid_until = (
        moment + timedelta(seconds=overlap_seconds) if overlap_seconds else None
    )
    key.secret_hash, key.last_four = secret.hash_of(new), new[-4:]
    _note(session, "api_key.rotated", key, overlap_seconds=overlap_seconds)
    await session.flush()
    return key, new


async def revoke(session: AsyncSession, access: Access, key_id: UUID) -> None:
    """End a key for good; again is no error."""
    key = await _writable(session, access, key_id)
    await match(session, key)
    if key.revoked_at is None:
        key.revoked_at = now()
        _note(session, "api_key.revoked", key)
    await session.flush()


async def bulk(session: AsyncSession, access: Access, items: list[ApiKeyBulkItem]) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: ApiKeyBulkItem) -> UUID:
        await revoke(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def revoke_all(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> Sequence[UUID]:
    """End every key that a user has in a workspace; their ids are to be forgotten."""
    return await crud.revoke_of(session, workspace_id, user_id, now())


async def _writable(
    session: AsyncSession, access: Access, key_id: UUID, *, for_update: bool = False
) -> ApiKey:
    return await _find(
        session, access, key_id, Permission.SERVICE_ACCOUNTS_WRITE, for_update=for_update
    )


async def _find(
    session: AsyncSession,
    access: Access,
    key_id: UUID,
    for_services: Permission,
    *,
    for_update: bool = False,
) -> ApiKey:
    key = await crud.get(
        session,
        access.workspace_id,
        access.user_id,
        key_id,
        of_services=for_services in access.permissions,
        for_update=for_update,
    )
    if key is None:
        raise ApiKeyNotFound
    return key


def refuse_more_than_held(held: frozenset[Permission], scopes: Sequence[Permission]) -> None:
    """Raise ScopeNotHeld where a body's `scopes` ask for more than there is to give."""
    beyond = [(i, scope) for i, scope in enumerate(scopes) if scope not in held]
    if beyond:
        raise ScopeNotHeld(
            f"You do not have {_named(scope for _, scope in beyond)}.",
            errors=tuple(
                FieldError(f"/body/scopes/{i}", ScopeNotHeld.code, f"you do not have {scope}")
                for i, scope in beyond
            ),
        )


def _named(permissions: Iterable[Permission]) -> str:
    return ", ".join(f"`{permission}`" for permission in sorted(permissions))


def _note(session: AsyncSession, action: str, key: ApiKey, **detail: object) -> None:
    note(session, Note(action, "api_key", key.id, detail=detail))


async def as_it_is(session: AsyncSession, begun: Access) -> Access | None:
    """What work that outlives its request may do by now, as far as its key says; None at its end.

    Rights are those that it had and the key has still; limits and rules are the key's of now. An
    access of no key stays as it is.
    """
    if begun.api_key_id is None:
        return begun
    key = await crud.living(session, begun.workspace_id, begun.api_key_id, now())
    if key is None:
        return None
    held = begun.permissions & known_permissions(key.scopes)
    return replace(begun, permissions=held, limits=limits_of(key.limits), rules=rules_of(key))


async def is_living(session: AsyncSession, workspace_id: UUID, key_id: UUID) -> bool:
    """Whether a key is there, not revoked, not past its end: for work that outlives requests."""
    return await crud.living(session, workspace_id, key_id, now()) is not None
