"""Entries of this side as the other one sees them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from app.core.db import AsyncSession
from app.knowledge.dictionary.entries.crud import concepts_of
from app.knowledge.dictionary.models import Entry
from app.knowledge.exchange.concept import Concept, Relation
from app.knowledge.exchange.drafts import of_entry, targets_of
from app.knowledge.exchange.models import Peer
from app.knowledge.exchange.sync import crud
from app.knowledge.exchange.sync.state import State, state_of


async def states(
    session: AsyncSession, peer: Peer, entries: Sequence[Entry]
) -> Mapping[UUID, State | None]:
    """By id; None for what is deleted. Relations out of the dictionary are this side's own."""
    living = [entry for entry in entries if entry.deleted_at is None]
    found = [of_entry(each) for each in await concepts_of(session, peer.workspace_id, living)]
    targets = {UUID(target) for concept in found for target in targets_of(concept)}
    names = await crud.sync_ids(session, peer, targets) if targets else {}
    called = {str(entry_id): str(sync_id) for entry_id, sync_id in names.items()}
    told: dict[UUID, State | None] = {entry.id: None for entry in entries}
    return told | {UUID(each.id): state_of(shared(each, called)) for each in found}


def shared(concept: Concept, called: Mapping[str, str]) -> Concept:
    """The concept with its targets called otherwise; those without a name are left out."""
    return replace(
        concept,
        relations=tuple(
            replace(each, target=called[each.target]) if each.target else each
            for each in concept.relations
            if each.target is None or each.target in called
        ),
        replaced_by=called.get(concept.replaced_by or ""),
    )


def own_relations(concept: Concept, common: Collection[str]) -> tuple[Relation, ...]:
    """Those that lead out of what both sides have."""
    return tuple(
        each for each in concept.relations if each.target is not None and each.target not in common
    )
