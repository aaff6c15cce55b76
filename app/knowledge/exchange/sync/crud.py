"""Peers, keys and what is remembered of entries at peers, in Postgres."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Slice
from app.core.restorable import page as restorable_page
from app.knowledge.dictionary.models import Entry
from app.knowledge.exchange.errors import PeerKeyTaken
from app.knowledge.exchange.models import BundleRecord, Peer, PeerEntry
from app.knowledge.exchange.sync.schemas import PeerQuery

MOST_ACKNOWLEDGED = 500


async def add_peer(session: AsyncSession, peer: Peer) -> None:
    """Raises PeerKeyTaken."""
    session.add(peer)
    await keep_peer(session)


async def keep_peer(session: AsyncSession) -> None:
    """Raises PeerKeyTaken."""
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_dictionary_peers_thumbprint" not in str(error.orig):
            raise
        raise PeerKeyTaken from None


async def peers(
    session: AsyncSession,
    workspace_id: UUID,
    dictionary_id: UUID,
    query: PeerQuery,
    cursors: Cursors,
) -> Slice[Peer]:
    return await restorable_page(
        session, Peer, workspace_id, query, cursors, Peer.dictionary_id == dictionary_id
    )


async def peer_with_key(
    session: AsyncSession, workspace_id: UUID, dictionary_id: UUID, thumbprint: str
) -> Peer | None:
    """The living peer whose key this is, locked."""
    statement = select(Peer).where(
        Peer.workspace_id == workspace_id,
        Peer.dictionary_id == dictionary_id,
        Peer.thumbprint == thumbprint,
        Peer.deleted_at.is_(None),
    )
    return (await session.scalars(statement.with_for_update())).one_or_none()


async def changed(
    session: AsyncSession, peer: Peer, since: int | None, limit: int
) -> Sequence[tuple[Entry, PeerEntry | None]]:
    """Entries that a peer is not known to have as they are; those never sent go first."""
    differs = PeerEntry.acked_version.is_distinct_from(Entry.version)
    wanted = differs if since is None else or_(differs, PeerEntry.sent_sequence > since)
    statement = (
        select(Entry, PeerEntry)
        .outerjoin(PeerEntry, (PeerEntry.entry_id == Entry.id) & (PeerEntry.peer_id == peer.id))
        .where(
            Entry.workspace_id == peer.workspace_id,
            Entry.dictionary_id == peer.dictionary_id,
            wanted,
            # What was deleted before the peer could know of it never was, for the peer.
            or_(Entry.deleted_at.is_(None), PeerEntry.id.is_not(None)),
        )
        .order_by(PeerEntry.sent_sequence.asc().nulls_first(), Entry.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def links(
    session: AsyncSession, peer: Peer, sync_ids: Collection[UUID]
) -> Mapping[UUID, PeerEntry]:
    statement = select(PeerEntry).where(
        PeerEntry.workspace_id == peer.workspace_id,
        PeerEntry.peer_id == peer.id,
        PeerEntry.sync_id.in_(sync_ids),
    )
    return {link.sync_id: link for link in await session.scalars(statement)}


async def link_of(session: AsyncSession, peer: Peer, entry_id: UUID) -> PeerEntry | None:
    statement = select(PeerEntry).where(
        PeerEntry.workspace_id == peer.workspace_id,
        PeerEntry.peer_id == peer.id,
        PeerEntry.entry_id == entry_id,
    )
    return (await session.scalars(statement)).one_or_none()


async def sync_ids(
    session: AsyncSession, peer: Peer, entry_ids: Collection[UUID]
) -> dict[UUID, UUID]:
    """What living entries of the dictionary are called between instances, by their ids here.

    An entry that came from a peer is called at others as it is called there.
    """
    living = select(Entry.id).where(
        Entry.workspace_id == peer.workspace_id,
        Entry.dictionary_id == peer.dictionary_id,
        Entry.deleted_at.is_(None),
        Entry.id.in_(list(entry_ids)),
    )
    found = {entry_id: entry_id for entry_id in await session.scalars(living)}
    known = select(PeerEntry).where(
        PeerEntry.workspace_id == peer.workspace_id, PeerEntry.entry_id.in_(list(found))
    )
    ours_last = sorted(
        await session.scalars(known), key=lambda link: (link.peer_id == peer.id, link.id)
    )
    return found | {link.entry_id: link.sync_id for link in ours_last}


async def entry_ids(session: AsyncSession, peer: Peer, names: Collection[UUID]) -> dict[UUID, UUID]:
    """The entries here that are called so between instances; deleted ones are, too."""
    own = select(Entry.id).where(
        Entry.workspace_id == peer.workspace_id,
        Entry.dictionary_id == peer.dictionary_id,
        Entry.id.in_(list(names)),
    )
    found = {entry_id: entry_id for entry_id in await session.scalars(own)}
    known = (
        select(PeerEntry)
        .join(Entry, Entry.id == PeerEntry.entry_id)
        .where(
            PeerEntry.workspace_id == peer.workspace_id,
            Entry.dictionary_id == peer.dictionary_id,
            PeerEntry.sync_id.in_(list(names)),
        )
    )
    ours_last = sorted(
        await session.scalars(known), key=lambda link: (link.peer_id == peer.id, link.id)
    )
    return found | {link.sync_id: link.entry_id for link in ours_last}


async def keep_links(session: AsyncSession, links: Iterable[PeerEntry]) -> None:
    session.add_all(links)
    await session.flush()


async def acknowledge(session: AsyncSession, peer: Peer, sequences: Collection[int]) -> None:
    """The peer has what stood in these bundles of ours."""
    await session.execute(
        update(PeerEntry)
        .where(
            PeerEntry.workspace_id == peer.workspace_id,
            PeerEntry.peer_id == peer.id,
            PeerEntry.sent_sequence.in_(sequences),
        )
        .values(acked_version=PeerEntry.sent_version)
        .execution_options(synchronize_session="fetch")
    )


async def applied(session: AsyncSession, peer: Peer) -> Sequence[int]:
    """The numbers of the peer's bundles that were applied here, the last ones."""
    statement = (
        select(BundleRecord.sequence)
        .where(
            BundleRecord.workspace_id == peer.workspace_id,
            BundleRecord.peer_id == peer.id,
            BundleRecord.direction == "in",
        )
        .order_by(BundleRecord.sequence.desc())
        .limit(MOST_ACKNOWLEDGED)
    )
    return (await session.scalars(statement)).all()


async def record(
    session: AsyncSession, peer: Peer, direction: str, sequence: int
) -> BundleRecord | None:
    statement = select(BundleRecord).where(
        BundleRecord.workspace_id == peer.workspace_id,
        BundleRecord.peer_id == peer.id,
        BundleRecord.direction == direction,
        BundleRecord.sequence == sequence,
    )
    return (await session.scalars(statement)).one_or_none()


async def add_record(session: AsyncSession, made: BundleRecord) -> None:
    session.add(made)
    await session.flush()
