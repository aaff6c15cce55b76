"""Turns a bearer credential into an Access: the resolver that every guard asks."""

import asyncio
from functools import partial
from types import TracebackType
from typing import Self
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.core.auth import Access
from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.core.errors import AppError, NotFound, PermissionDenied, Unauthenticated
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.tasks import stop_tasks
from app.identity.api_keys import addresses, secret
from app.identity.api_keys import crud as api_keys
from app.identity.api_keys.crud import Holder
from app.identity.api_keys.errors import (
    ApiKeyAddressRefused,
    ApiKeyExpired,
    ApiKeyInvalid,
    ApiKeyRevoked,
)
from app.identity.api_keys.known_keys import KnownKey, KnownKeys
from app.identity.api_keys.limits import limits_of
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.revocations import Revocations
from app.identity.api_keys.rules import rules_of
from app.identity.sessions import crud as sessions
from app.identity.sessions import tokens
from app.identity.sessions.errors import TokenInvalid
from app.identity.sessions.keys import SigningKeys
from app.identity.users.errors import AccountInactive
from app.identity.workspaces.errors import MembershipSuspended, WorkspaceNotFound
from app.identity.workspaces.roles import known_permissions, permissions_of

log = get_logger(__name__)


class IdentityResolver:
    """Resolves access tokens and API keys; open it before the first request."""

    def __init__(self, kernel: Kernel) -> None:
        self._database = kernel.database
        self._settings = kernel.settings
        self._known = KnownKeys()
        self._revocations = Revocations(kernel.valkey, self._known)
        self._marking: set[asyncio.Task[None]] = set()
        self._looking: dict[bytes, tuple[int, asyncio.Task[KnownKey]]] = {}
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
        await stop_tasks(task for _, task in self._looking.values())
        if self._marking:
            await asyncio.wait(self._marking, timeout=2)

    def peek(self, bearer: str, workspace_id: UUID | None, address: str = "") -> Access | None:
        """The caller with a key that is known to serve; None for all else, which `resolve` says."""
        if not bearer.startswith(secret.PREFIX):
            return None
        known = self._at_hand(secret.hash_of(bearer), address)
        if known is None:
            return None
        try:
            return served(known, workspace_id, address)
        except AppError:
            return None

    async def resolve(self, bearer: str, workspace_id: UUID | None, address: str = "") -> Access:
        """The caller; raises Unauthenticated, or WorkspaceNotFound for a foreign workspace.

        Raises MembershipSuspended, and ApiKeyAddressRefused for a key that does not serve
        `address`.
        """
        if not bearer.startswith(secret.PREFIX):
            return await self._by_token(bearer, workspace_id)
        secret_hash = secret.hash_of(bearer)
        known = self._at_hand(secret_hash, address)
        if known is None:
            if not secret.well_formed(bearer):
                raise ApiKeyInvalid("Its checksum does not match: it was mistyped or cut.")
            known = await asyncio.shield(self._looked_up(secret_hash, address))
        return served(known, workspace_id, address)

    async def stands(self, access: Access) -> bool:
        """Whether who was let in would be let in still; that a token has expired changes nothing.

        While Postgres is away, they would.
        """
        try:
            if access.api_key_id is None:
                await self._in_session(access.credential_id, access.user_id, access.workspace_id)
            else:
                await self._with_key(access.api_key_id)
        except (Unauthenticated, PermissionDenied, NotFound):
            return False
        except (SQLAlchemyError, OSError) as error:
            log.warning("caller_not_rechecked", reason=repr(error))
        return True

    def forget(self, subject_id: UUID) -> None:
        """Drop what is remembered of a key, a user or a workspace, in every process."""
        self._revocations.tell(subject_id)

    def _at_hand(self, secret_hash: bytes, address: str) -> KnownKey | None:
        """What is remembered of a key, which is looked up again beside once that is a while ago."""
        known, is_aging = self._known.find(secret_hash)
        if is_aging:
            self._looked_up(secret_hash, address)
        return known

    def _looked_up(self, secret_hash: bytes, address: str) -> asyncio.Task[KnownKey]:
        """One look-up for all who present a key at the same time, unless something was revoked."""
        begun = self._looking.get(secret_hash)
        if begun is not None and begun[0] == self._known.generation:
            return begun[1]
        task = asyncio.create_task(self._look_up(secret_hash, address), name="key")
        self._looking[secret_hash] = self._known.generation, task
        task.add_done_callback(partial(self._landed, secret_hash))
        return task

    def _landed(self, secret_hash: bytes, task: asyncio.Task[KnownKey]) -> None:
        if self._looking.get(secret_hash, (0, None))[1] is task:
            del self._looking[secret_hash]
        if not task.cancelled() and isinstance(task.exception(), AppError):
            self._known.drop(secret_hash)

    async def _look_up(self, secret_hash: bytes, address: str) -> KnownKey:
        generation = self._known.generation
        async with self._database.unit(SYSTEM) as session:
            found = await api_keys.find(session, secret_hash)
        if found is None:
            raise ApiKeyInvalid
        known = _known_of(found, secret_hash)
        self._known.remember(secret_hash, known, generation)
        key = found.key
        if key.last_used_at is None or key.last_used_at <= now() - api_keys.USED_EVERY:
            self._mark_used(key, address)
        return known

    def _mark_used(self, key: ApiKey, address: str) -> None:
        task = asyncio.create_task(self._write_use(key.workspace_id, key.id, address))
        self._marking.add(task)
        task.add_done_callback(self._marking.discard)

    async def _write_use(self, workspace_id: UUID, key_id: UUID, address: str) -> None:
        try:
            async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
                await api_keys.mark_used(session, workspace_id, key_id, now(), address)
        except (SQLAlchemyError, OSError) as error:
            log.warning("last_use_unwritten", api_key_id=str(key_id), reason=repr(error))

    async def _by_token(self, bearer: str, workspace_id: UUID | None) -> Access:
        claims = await tokens.verify(self.signing_keys, self._settings, bearer)
        return await self._in_session(claims.session_id, claims.user_id, workspace_id)

    async def _in_session(
        self, session_id: UUID, user_id: UUID, workspace_id: UUID | None
    ) -> Access:
        async with self._database.unit(Scope(user_id=user_id)) as session:
            standing = await sessions.standing(
                session, session_id, user_id, workspace_id=workspace_id, at=now()
            )
        if standing is None:
            raise TokenInvalid("Its session has ended; sign in again.")
        if standing.account_status != "active":
            raise AccountInactive
        if standing.workspace_id is None or standing.role is None:
            raise WorkspaceNotFound
        if standing.suspended_at is not None:
            raise MembershipSuspended("An administrator of it can end that.")
        return Access(
            workspace_id=standing.workspace_id,
            user_id=user_id,
            permissions=permissions_of(standing.role, standing.custom_permissions),
            credential="session",
            credential_id=session_id,
            role=standing.role,
            authenticated_at=standing.authenticated_at,
            second_factor=standing.second_factor,
        )

    async def _with_key(self, key_id: UUID) -> None:
        async with self._database.unit(SYSTEM) as session:
            found = await api_keys.holder(session, key_id)
        if found is None:
            raise ApiKeyInvalid
        known = _known_of(found, found.key.secret_hash)
        if known.expires_at is not None and known.expires_at <= now():
            raise ApiKeyExpired


def served(known: KnownKey, workspace_id: UUID | None, address: str) -> Access:
    """The caller with this key, if it serves here and now.

    Raises ApiKeyExpired, ApiKeyAddressRefused and WorkspaceNotFound.
    """
    if known.expires_at is not None and known.expires_at <= now():
        raise ApiKeyExpired
    if known.networks and not addresses.serves(known.networks, address):
        raise ApiKeyAddressRefused("Call from an address that the key allows.")
    access = known.access
    if workspace_id is not None and workspace_id != access.workspace_id:
        raise WorkspaceNotFound("This API key serves another workspace.")
    return access


def _known_of(found: Holder, secret_hash: bytes) -> KnownKey:
    """What a stored key allows now, by its secret or by the one before."""
    key = found.key
    if key.revoked_at is not None or found.role is None:
        raise ApiKeyRevoked
    if found.account_status != "active":
        raise AccountInactive
    if found.workspace_deleted_at is not None:
        raise WorkspaceNotFound
    if found.suspended_at is not None:
        raise MembershipSuspended("An administrator of the workspace can end that.")
    held = permissions_of(found.role, found.custom_permissions)
    ends = [key.expires_at]
    if secret_hash != key.secret_hash:
        ends.append(key.previous_valid_until)
    access = Access(
        workspace_id=key.workspace_id,
        user_id=key.user_id,
        permissions=known_permissions(key.scopes) & held,
        credential="api_key",
        credential_id=key.id,
        role=found.role,
        limits=limits_of(key.limits),
        rules=rules_of(key),
    )
    expires_at = min((end for end in ends if end is not None), default=None)
    return KnownKey(access, expires_at, addresses.networks_of(key.allowed_addresses))
