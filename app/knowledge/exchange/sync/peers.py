"""Whom a dictionary is kept in step with."""

from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.knowledge.dictionary.dictionaries import service as dictionaries
from app.knowledge.exchange.errors import PeerNotFound
from app.knowledge.exchange.models import Peer
from app.knowledge.exchange.sync import crud
from app.knowledge.exchange.sync.schemas import PeerCreate, PeerQuery
from app.knowledge.exchange.sync.signing import pinned


async def create(
    session: AsyncSession, access: Access, dictionary_id: UUID, new: PeerCreate
) -> Peer:
    """Raises DictionaryNotFound, PeerInvalid and PeerKeyTaken."""
    await dictionaries.get(session, access, dictionary_id)
    jwk, thumbprint = pinned(new.public_jwk)
    peer = Peer(
        id=new_id(),
        workspace_id=access.workspace_id,
        dictionary_id=dictionary_id,
        name=new.name,
        public_jwk=jwk,
        thumbprint=thumbprint,
        sent=0,
    )
    await crud.add_peer(session, peer)
    return peer


async def page(
    session: AsyncSession, access: Access, dictionary_id: UUID, query: PeerQuery, cursors: Cursors
) -> Slice[Peer]:
    """Raises DictionaryNotFound."""
    await dictionaries.get(session, access, dictionary_id)
    return await crud.peers(session, access.workspace_id, dictionary_id, query, cursors)


async def get(
    session: AsyncSession,
    access: Access,
    dictionary_id: UUID,
    peer_id: UUID,
    *,
    deleted: bool = False,
    for_update: bool = False,
) -> Peer:
    """A living one, unless deleted ones are wanted too; raises DictionaryNotFound, PeerNotFound."""
    await dictionaries.get(session, access, dictionary_id)
    found = await restorable.find(
        session, Peer, access.workspace_id, peer_id, for_update=for_update
    )
    if found is None or found.dictionary_id != dictionary_id:
        raise PeerNotFound
    if found.deleted_at is not None and not deleted:
        raise PeerNotFound
    return found


async def delete(session: AsyncSession, access: Access, dictionary_id: UUID, peer_id: UUID) -> None:
    """Nothing more is taken from it, nor made for it. Raises PeerNotFound."""
    peer = await get(session, access, dictionary_id, peer_id)
    await match(session, peer)
    peer.deleted_at = now()
    await session.flush()


async def restore(
    session: AsyncSession, access: Access, dictionary_id: UUID, peer_id: UUID
) -> Peer:
    """Raises PeerNotFound, RestoreExpired and PeerKeyTaken."""
    peer = await get(session, access, dictionary_id, peer_id, deleted=True)
    restorable.expect_restorable(peer)
    peer.deleted_at = None
    await crud.keep_peer(session)
    return peer
