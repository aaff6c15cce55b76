"""The keys that sign access tokens: made once, sealed in Postgres, kept in memory."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose.backends import ECKey  # type: ignore[import-untyped]

from app.core.audit import Note, note
from app.core.clock import now
from app.core.crypto import UnreadableSecret, Vault
from app.core.db import SYSTEM, Database
from app.core.ids import new_id
from app.core.log import get_logger
from app.identity.sessions import crud
from app.identity.sessions.models import SigningKey

log = get_logger(__name__)

ALGORITHM = "ES256"
# Longer than any access token lives, and than a process goes on signing with a retired key.
RETIRED = timedelta(minutes=70)
KNOWN = timedelta(seconds=10)  # by then every process takes the tokens of a new key
STALE_SECONDS = 300.0
UNKNOWN_SECONDS = 5.0  # a made-up key id makes us look no more often than this


@dataclass(frozen=True, slots=True)
class Signer:
    kid: str
    private: Any


@dataclass(slots=True)
class _Loaded:
    signer: Signer
    public: dict[str, Any]
    jwks: list[dict[str, Any]]
    at: float = field(default_factory=time.monotonic)


class SigningKeys:
    """This installation's ES256 keys, read from Postgres at first use."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._lock = asyncio.Lock()
        self._loaded: _Loaded | None = None

    async def signer(self) -> Signer:
        """The key to sign with; made when there is none."""
        return (await self._fresh(STALE_SECONDS)).signer

    async def public(self, kid: str) -> Any | None:
        """The public half of a key, as python-jose takes it; None for an unknown one."""
        loaded = await self._fresh(STALE_SECONDS)
        if kid not in loaded.public:
            loaded = await self._fresh(UNKNOWN_SECONDS)
        return loaded.public.get(kid)

    async def jwks(self) -> list[dict[str, Any]]:
        return (await self._fresh(STALE_SECONDS)).jwks

    async def rotate(self, *, older_than: timedelta = timedelta()) -> bool:
        """Have a new key sign from now on, if the present one is older; says whether it was."""
        async with self._database.unit(SYSTEM) as session:
            await crud.lock_signing_keys(session)
            in_use = [
                row
                for row in await crud.signing_keys(session, now() - RETIRED)
                if row.retired_at is None
            ]
            young = any(row.created_at > now() - older_than for row in in_use)
            if young or (older_than and not in_use):
                return False  # the first key is made when the first token is signed
            for row in in_use:
                row.retired_at = now() + KNOWN
            made = await crud.add_signing_key(session, self._make()[0])
            note(session, Note("signing_key.rotated", "signing_key", made.id))
        self._loaded = None
        return True

    async def _fresh(self, seconds: float) -> _Loaded:
        loaded = self._loaded
        if loaded is None or time.monotonic() - loaded.at > seconds:
            async with self._lock:
                if self._loaded is loaded:
                    self._loaded = await self._load()
                loaded = self._loaded
        assert loaded is not None  # noqa: S101 - for the type checker
        return loaded

    async def _load(self) -> _Loaded:
        async with self._database.unit(SYSTEM) as session:
            rows = list(await crud.signing_keys(session, now() - RETIRED))
            signer = self._signer_among(rows)
            if signer is None:
                await crud.lock_signing_keys(session)
                rows = list(await crud.signing_keys(session, now() - RETIRED))
                signer = self._signer_among(rows)
            if signer is None:
                made, signer = self._make()
                rows.append(await crud.add_signing_key(session, made))
        return _Loaded(
            signer=signer,
            public={str(row.id): ECKey(row.public_jwk, ALGORITHM) for row in rows},
            jwks=[row.public_jwk for row in rows],
        )

    def _signer_among(self, rows: list[SigningKey]) -> Signer | None:
        """The newest key that every process knows by now; else the one known the longest."""
        usable = [row for row in rows if row.retired_at is None or row.retired_at > now()]
        known = now() - KNOWN
        for row in sorted(usable, key=lambda row: max(row.created_at, known)):
            if signer := self._open(row):
                return signer
        return None

    def _open(self, row: SigningKey) -> Signer | None:
        try:
            pem = self._vault.open(row.sealed_private_key, context=_context(str(row.id)))
        except UnreadableSecret:
            log.warning("signing_key_sealed_by_another_master_key", kid=str(row.id))
            return None
        return Signer(str(row.id), ECKey(pem, ALGORITHM))

    def _make(self) -> tuple[SigningKey, Signer]:
        key_id = new_id()
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        public = ECKey(private.public_key(), ALGORITHM).to_dict()
        row = SigningKey(
            id=key_id,
            sealed_private_key=self._vault.seal(pem, context=_context(str(key_id))),
            public_jwk={**public, "kid": str(key_id), "use": "sig"},
            retired_at=None,
        )
        return row, Signer(str(key_id), ECKey(private, ALGORITHM))


def _context(kid: str) -> str:
    return f"signing_keys/{kid}"
