"""The Ed25519 key that signs checkpoints: made once, sealed in Postgres under the master key."""

from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.crypto import UnreadableSecret, Vault
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.log import get_logger
from app.oversight.audit import crud
from app.oversight.audit.models import AuditKey
from app.oversight.audit.proof import key_id_of

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Signer:
    key_id: str
    private: Ed25519PrivateKey


async def signer(session: AsyncSession, vault: Vault) -> Signer:
    """The newest key that this master key opens; made when there is none. Needs SYSTEM."""
    for row in await crud.keys(session):
        if (private := opened(row, vault)) is not None:
            return Signer(row.key_id, private)
    return await _make(session, vault)


def opened(row: AuditKey, vault: Vault) -> Ed25519PrivateKey | None:
    """The private half of a key; None where another master key sealed it, or nobody did."""
    try:
        private = bytes.fromhex(vault.open(row.sealed_private_key, context=_context(row)))
    except UnreadableSecret:
        log.warning("audit_key_sealed_by_another_master_key", key_id=row.key_id)
        return None
    return Ed25519PrivateKey.from_private_bytes(private)


async def trusted(session: AsyncSession, vault: Vault) -> dict[str, bytes]:
    """The public keys, by key id, whose private halves are sealed under our master key.

    The public half is drawn from the private one: what the table says of it could be anybody's.
    """
    found = {}
    for row in await crud.keys(session):
        if (private := opened(row, vault)) is not None:
            public = private.public_key().public_bytes_raw()
            found[key_id_of(public)] = public
    return found


async def _make(session: AsyncSession, vault: Vault) -> Signer:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    raw = private.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    row = AuditKey(id=new_id(), key_id=key_id_of(public), public_key=public)
    row.sealed_private_key = vault.seal(raw.hex(), context=_context(row))
    await crud.add(session, row)
    return Signer(row.key_id, private)


def _context(row: AuditKey) -> str:
    return f"audit_keys/{row.id}"
