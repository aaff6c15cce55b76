"""Opening a bundle: nothing of it is looked at before its signature is known to be a peer's."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

import orjson
from pydantic import ValidationError

from app.core.auth import Access
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.json_limits import holds_nul, too_deep
from app.knowledge.exchange.errors import BundleRefused
from app.knowledge.exchange.models import Peer
from app.knowledge.exchange.sync import crud
from app.knowledge.exchange.sync.payload import Payload
from app.knowledge.exchange.sync.signing import key_named, opened, own_key


@dataclass(frozen=True, slots=True)
class Opened:
    """`is_applied`: it was applied before, and nothing of it was left open."""

    peer: Peer
    payload: Payload
    sha256: str
    is_applied: bool


async def open_bundle(
    session: AsyncSession, access: Access, vault: Vault, dictionary_id: UUID, bundle: str
) -> Opened:
    """Raises BundleRefused."""
    peer = await crud.peer_with_key(session, access.workspace_id, dictionary_id, key_named(bundle))
    if peer is None:
        raise BundleRefused("No peer of this dictionary has the key that it is signed with.")
    content = opened(bundle, peer.public_jwk)
    payload = _read(content)
    own = own_key(access.workspace_id, vault).thumbprint
    await _expect_for_us(session, peer, payload, own)
    digest = hashlib.sha256(content).hexdigest()
    known = await crud.record(session, peer, "in", payload.sequence)
    if known is not None and known.sha256 != digest:
        raise BundleRefused("Another bundle with its number was applied: its sender went back.")
    return Opened(peer, payload, digest, known is not None)


def _read(content: bytes) -> Payload:
    try:
        value = orjson.loads(content)
        if too_deep(content, value) is not None or holds_nul(content, value) is not None:
            raise BundleRefused("What it holds is nested too deeply, or has the NUL character.")
        return Payload.model_validate(value)
    except orjson.JSONDecodeError:
        raise BundleRefused("What it holds is no JSON.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "/".join(str(step) for step in first["loc"])
        raise BundleRefused(
            f"What it holds is not as it must be: {place}: {first['msg']}"
        ) from None


async def _expect_for_us(session: AsyncSession, peer: Peer, payload: Payload, own: str) -> None:
    """Raises BundleRefused for one that was made for another, or by another dictionary."""
    if payload.issuer != peer.thumbprint or payload.recipient != own:
        raise BundleRefused("It was made for somebody else.")
    if payload.dictionary_id == peer.dictionary_id:
        raise BundleRefused("It is of this dictionary itself.")
    if peer.remote_dictionary_id is None:
        peer.remote_dictionary_id = payload.dictionary_id
        await session.flush()
    elif peer.remote_dictionary_id != payload.dictionary_id:
        raise BundleRefused("It is of another dictionary than those before it.")
