"""Turns a bearer credential into an Access: the resolver that every guard asks."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.identity.api_keys import crud as api_keys
from app.identity.api_keys import secret
from app.identity.api_keys.errors import ApiKeyExpired, ApiKeyInvalid, ApiKeyRevoked
from app.identity.api_keys.known_keys import KnownKey, KnownKeys
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.revocations import Revocations
from app.identity.sessions import crud as sessions
from app.identity.sessions import tokens
from app.identity.sessions.errors import TokenInvalid
from app.identity.sessions.keys import SigningKeys
from app.identity.workspaces.errors import WorkspaceNotFound
from app.identity.workspaces.roles import permissions_of

log = get_logger(__name__)


class IdentityResolver:
    """Resolves access tokens and API keys; open it before the first request."""

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self._settings = kernel.settings
        self._known = KnownKeys()
        self._revocations = Revocations(kernel.valkey, self._known)
        self._marking: set[asyncio.Task[None]] = set()
        self.signing_keys = SigningKeys(kernel.database, kernel.vault)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def start(self) -> None:
        """Listen for keys that other processes revoke."""
        self._revocations.start()

    async def close(self) -> None:
        await self._revocations.close()
        if self._marking:
            await asyncio.wait(self._marking, timeout=2)

    async def resolve(self, bearer: str, workspace_id: UUID | None) -> Access:
        """The caller; raises Unauthenticated, or WorkspaceNotFound for a foreign workspace."""
        if bearer.startswith(secret.PREFIX):
            return await self._by_key(bearer, workspace_id)
        return await self._by_token(bearer, workspace_id)

    def forget_key(self, key_id: UUID) -> None:
        """Drop what is remembered of a key, in this process and in the others."""
        self._revocations.tell(key_id)

    async def _by_key(self, bearer: str, workspace_id: UUID | None) -> Access:
        secret_hash = secret.hash_of(bearer)
        known = self._known.find(secret_hash)
        if known is None:
            if not secret.well_formed(bearer):
                raise ApiKeyInvalid("Its checksum does not match: it was mistyped or cut.")
            known = await self._look_up(secret_hash)
        if known.expires_at is not None and known.expires_at <= now():
            raise ApiKeyExpired
        access = known.access
        if workspace_id is not None and workspace_id != access.workspace_id:
            raise WorkspaceNotFound("This API key serves another workspace.")
        return access

    async def _look_up(self, secret_hash: bytes) -> KnownKey:
        generation = self._known.generation
        async with self._database.unit(SYSTEM) as session:
            found = await api_keys.find(session, secret_hash)
        if found is None:
            raise ApiKeyInvalid
        key = found.key
        if key.revoked_at is not None or found.role is None:
            raise ApiKeyRevoked
        known = KnownKey(_access_of(key, found.role), key.expires_at)
        self._known.remember(secret_hash, known, generation)
        if key.last_used_at is None or key.last_used_at <= now() - api_keys.USED_EVERY:
            self._mark_used(key)
        return known

    def _mark_used(self, key: ApiKey) -> None:
        task = asyncio.create_task(self._write_use(key.workspace_id, key.id))
        self._marking.add(task)
        task.add_done_callback(self._marking.discard)

    async def _write_use(self, workspace_id: UUID, key_id: UUID) -> None:
        try:
            async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
                await api_keys.mark_used(session, workspace_id, key_id, now())
        except (SQLAlchemyError, OSError) as error:
            log.warning("last_use_unwritten", api_key_id=str(key_id), reason=repr(error))

    async def _by_token(self, bearer: str, workspace_id: UUID | None) -> Access:
        claims = await tokens.verify(self.signing_keys, self._settings, bearer)
        async with self._database.unit(Scope(user_id=claims.user_id)) as session:
            standing = await sessions.standing(
                session, claims.session_id, claims.user_id, workspace_id=workspace_id, at=now()
            )
        if standing is None:
            raise TokenInvalid("Its session has ended; sign in again.")
        if standing.workspace_id is None or standing.role is None:
            raise WorkspaceNotFound
        return Access(
            workspace_id=standing.workspace_id,
            user_id=claims.user_id,
            permissions=permissions_of(standing.role),
            credential="session",
            credential_id=claims.session_id,
        )


def _access_of(key: ApiKey, role: str) -> Access:
    scopes = frozenset[Permission]()
    for name in key.scopes:
        # A scope that a newer version wrote means nothing here.
        with suppress(ValueError):
            scopes |= {Permission(name)}
    return Access(
        workspace_id=key.workspace_id,
        user_id=key.user_id,
        permissions=scopes & permissions_of(role),
        credential="api_key",
        credential_id=key.id,
    )
