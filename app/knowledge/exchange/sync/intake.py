"""One bundle on its way in, and what has come of it so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.knowledge.exchange.models import Peer, PeerEntry
from app.knowledge.exchange.sync.merging import Item, Link, Merged, Side
from app.knowledge.exchange.sync.payload import PayloadEntry
from app.knowledge.exchange.sync.schemas import (
    BundleApplied,
    BundleApply,
    BundleConflict,
    BundleRefusal,
)

_COUNTS = ("created", "updated", "deleted", "unchanged", "known", "open", "waiting")


@dataclass(slots=True)
class Intake:
    """`here` are the entries of this side by their names between the two, `made` the new ones."""

    session: AsyncSession
    access: Access
    peer: Peer
    sequence: int
    wanted: BundleApply
    links: dict[UUID, PeerEntry] = field(default_factory=dict)
    here: dict[UUID, UUID] = field(default_factory=dict)
    made: set[UUID] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    conflicts: list[BundleConflict] = field(default_factory=list)
    refused: list[BundleRefusal] = field(default_factory=list)

    def count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number

    def refuse(self, sync_id: UUID, error: Exception) -> None:
        reason = error.detail if isinstance(error, AppError) else str(error)
        self.refused.append(BundleRefusal(sync_id=sync_id, reason=reason[:1000]))

    def note_conflicts(self, sync_id: UUID, entry_id: UUID, merged: Merged) -> None:
        self.conflicts += [
            BundleConflict(
                sync_id=sync_id,
                entry_id=entry_id,
                field=each.field,
                base=each.base,
                ours=each.ours,
                theirs=each.theirs,
                resolution=each.resolution,
            )
            for each in merged.conflicts
        ]

    def chosen(self, sync_id: UUID) -> Mapping[str, Side]:
        return {c.field: c.take for c in self.wanted.resolutions if c.sync_id == sync_id}

    def item(self, told: PayloadEntry) -> Item:
        return Item(self.sequence, told.base_sequence, told.base, told.state, told.changed_at)

    @property
    def is_complete(self) -> bool:
        return not (self.refused or self.counts.get("open") or self.counts.get("waiting"))

    def report(self) -> BundleApplied:
        return BundleApplied(
            peer_id=self.peer.id,
            sequence=self.sequence,
            complete=self.is_complete,
            conflicts=self.conflicts,
            refused=self.refused,
            **{name: self.counts.get(name, 0) for name in _COUNTS},
        )


def link_of(kept: PeerEntry | None) -> Link | None:
    """What is remembered of an entry, for merging."""
    if kept is None:
        return None
    return Link(kept.known, kept.their_sequence, kept.base_sequence, kept.merged_at)
