"""Making bundles: what has changed here that a peer is not known to have, signed."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from app.core.auth import Access
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.knowledge.dictionary.models import Entry
from app.knowledge.exchange.models import BundleRecord, Peer, PeerEntry
from app.knowledge.exchange.sync import crud, local, peers
from app.knowledge.exchange.sync.payload import TYPE
from app.knowledge.exchange.sync.schemas import BundleCreate, BundleMade
from app.knowledge.exchange.sync.signing import OwnKey, own_key, sign
from app.knowledge.exchange.sync.state import State


async def make(
    session: AsyncSession, access: Access, vault: Vault, dictionary_id: UUID, new: BundleCreate
) -> BundleMade:
    """Raises DictionaryNotFound and PeerNotFound."""
    peer = await peers.get(session, access, dictionary_id, new.peer_id, for_update=True)
    key = own_key(access.workspace_id, vault)
    found = await crud.changed(session, peer, new.since, new.limit + 1)
    chosen, has_more = found[: new.limit], len(found) > new.limit
    peer.sent += 1
    told = await local.states(session, peer, [entry for entry, _ in chosen])
    links = await _linked(session, peer, chosen)
    entries = [
        _entry(link, entry.updated_at, told[entry.id])
        for (entry, _), link in zip(chosen, links, strict=True)
    ]
    content = _payload(peer, key, await crud.applied(session, peer), entries)
    payload = orjson.dumps(content, default=str)  # asyncpg has a UUID class of its own
    digest = hashlib.sha256(payload).hexdigest()
    made = BundleRecord(
        id=new_id(),
        workspace_id=peer.workspace_id,
        peer_id=peer.id,
        direction="out",
        sequence=peer.sent,
        sha256=digest,
        entries=len(entries),
    )
    await crud.add_record(session, made)
    return BundleMade(
        peer_id=peer.id,
        sequence=peer.sent,
        entries=len(entries),
        has_more=has_more,
        sha256=digest,
        bundle=sign(payload, key),
    )


async def _linked(
    session: AsyncSession, peer: Peer, chosen: Sequence[tuple[Entry, PeerEntry | None]]
) -> list[PeerEntry]:
    """What is remembered of these entries, now that they are in a bundle."""
    fresh = [entry.id for entry, link in chosen if link is None]
    names = await crud.sync_ids(session, peer, fresh)
    links = [link or new_link(peer, names[entry.id], entry.id) for entry, link in chosen]
    for (entry, _), link in zip(chosen, links, strict=True):
        link.sent_version, link.sent_sequence = entry.version, peer.sent
    await crud.keep_links(session, links)
    return links


def new_link(peer: Peer, sync_id: UUID, entry_id: UUID) -> PeerEntry:
    return PeerEntry(
        id=new_id(),
        workspace_id=peer.workspace_id,
        peer_id=peer.id,
        sync_id=sync_id,
        entry_id=entry_id,
        known=None,
        their_sequence=0,
        base_sequence=0,
        merged_at=0,
    )


def _entry(link: PeerEntry, changed_at: datetime, state: State | None) -> dict[str, Any]:
    return {
        "sync_id": link.sync_id,
        "base_sequence": link.their_sequence,
        "base": link.known,
        "state": state,
        "changed_at": changed_at,
    }


def _payload(peer: Peer, key: OwnKey, acks: Any, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": TYPE,
        "version": 1,
        "issuer": key.thumbprint,
        "recipient": peer.thumbprint,
        "dictionary_id": peer.dictionary_id,
        "sequence": peer.sent,
        "created_at": now(),
        "acks": list(acks),
        "entries": entries,
    }
