"""Having one entry say what its two sides come to."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import UUID

from app.core.errors import FieldError
from app.knowledge.dictionary.entries import service as entries
from app.knowledge.dictionary.entries.bounds import MOST_RELATIONS
from app.knowledge.dictionary.entries.crud import concepts_of
from app.knowledge.dictionary.errors import EntryInvalid, EntryNotFound
from app.knowledge.dictionary.models import Entry
from app.knowledge.dictionary.store import upsert_entry
from app.knowledge.exchange import entries_crud
from app.knowledge.exchange.concept import Concept
from app.knowledge.exchange.drafts import draft_of, of_entry, targets_of
from app.knowledge.exchange.models import PeerEntry
from app.knowledge.exchange.sync import crud, local
from app.knowledge.exchange.sync.bundling import new_link
from app.knowledge.exchange.sync.intake import Intake, link_of
from app.knowledge.exchange.sync.merging import Decider, Item, Merged, merge
from app.knowledge.exchange.sync.payload import PayloadEntry
from app.knowledge.exchange.sync.state import State, concept_of

COMMENT: Final = "bundle"


async def reconcile(intake: Intake, told: PayloadEntry, entry_id: UUID) -> str:
    """Merge an entry and remember it; what became of it."""
    session, peer = intake.session, intake.peer
    link = await _linked(intake, told.sync_id, entry_id)
    state, is_whole = await _reachable(intake, told.state)
    item = replace(intake.item(told), state=state)
    entry = (await entries_crud.by_ids(session, peer.workspace_id, [entry_id]))[entry_id]
    ours = (await local.states(session, peer, [entry]))[entry_id]
    if told.sync_id in intake.made:
        ours = None
    chosen = intake.chosen(told.sync_id)
    decider = Decider(intake.wanted.strategy, entry.updated_at, told.changed_at, chosen)
    merged = merge(link_of(link), item, ours, decider)
    intake.note_conflicts(told.sync_id, entry_id, merged)
    if merged.is_open:
        return "open"
    if merged.state != ours:
        await _write(intake, entry, merged.state)
    await _remember(intake, link, item, merged, is_whole=is_whole)
    if not is_whole:
        return "waiting"
    if told.sync_id in intake.made:
        return "created"
    if ours == merged.state:
        return "unchanged"
    return "deleted" if merged.state is None else "updated"


async def _linked(intake: Intake, sync_id: UUID, entry_id: UUID) -> PeerEntry:
    """What is remembered of an entry; of two names that it was given the smaller one stays."""
    link = intake.links.get(sync_id)
    if link is None:
        link = await crud.link_of(intake.session, intake.peer, entry_id)
        if link is None:
            link = new_link(intake.peer, sync_id, entry_id)
        link.sync_id = min(link.sync_id, sync_id)
        await crud.keep_links(intake.session, [link])
    return link


async def _reachable(intake: Intake, state: State | None) -> tuple[State | None, bool]:
    """A state without what leads to entries that are not here, and whether that is all of it."""
    if state is None:
        return None, True
    concept = concept_of("-", state)
    targets = targets_of(concept)
    known = await _targets(intake, targets)
    if targets <= set(known):
        return state, True
    kept = dict(state)
    kept["relations"] = [
        each for each in state.get("relations", []) if each.get("target") in (None, *known)
    ]
    kept["replaced_by"] = state.get("replaced_by") if concept.replaced_by in known else None
    return {name: value for name, value in kept.items() if value or "/" in name}, False


async def _targets(intake: Intake, names: set[str]) -> Mapping[str, UUID]:
    """The living entries here that are called so between the two sides."""
    if len(names) > MOST_RELATIONS + 1:
        wrong = f"has more than {MOST_RELATIONS} targets"
        raise EntryInvalid(FieldError("/relations", "too_long", wrong))
    try:
        wanted = {UUID(name) for name in names}
    except ValueError:
        raise EntryInvalid(FieldError("/relations", "no_id", "a target is no id")) from None
    found = {**await crud.entry_ids(intake.session, intake.peer, wanted)}
    found |= {name: intake.here[name] for name in wanted if name in intake.here}
    known = await entries_crud.by_ids(intake.session, intake.peer.workspace_id, found.values())
    return {
        str(name): entry_id
        for name, entry_id in found.items()
        if entry_id in known and known[entry_id].deleted_at is None
    }


async def _write(intake: Intake, entry: Entry, state: State | None) -> None:
    session, access = intake.session, intake.access
    if state is None:
        with suppress(EntryNotFound):
            await entries.delete(session, access, entry.id)
        return
    concept = concept_of(str(entry.id), state)
    meant = await _targets(intake, targets_of(concept))
    concept, own = await _with_own_relations(intake, entry, concept)
    draft = draft_of(concept, concept.status or "draft", {**meant, **own})
    await upsert_entry(
        session, access, intake.peer.dictionary_id, draft, entry_id=entry.id, comment=COMMENT
    )


async def _with_own_relations(
    intake: Intake, entry: Entry, concept: Concept
) -> tuple[Concept, Mapping[str, UUID]]:
    """With what leads out of the dictionary: the other side knows nothing of that."""
    session, peer = intake.session, intake.peer
    [kept] = await concepts_of(session, peer.workspace_id, [entry])
    known = of_entry(kept)
    common = await crud.sync_ids(session, peer, [UUID(each) for each in targets_of(known)])
    own = local.own_relations(known, {str(entry_id) for entry_id in common})
    targets = {each.target: UUID(each.target) for each in own if each.target}
    return replace(concept, relations=(*concept.relations, *own)), targets


async def _remember(
    intake: Intake, link: PeerEntry, item: Item, merged: Merged, *, is_whole: bool
) -> None:
    """The peer's state is merged now; what came of it is sent unless it is the peer's own."""
    session = intake.session
    link.known, link.base_sequence = item.state, item.base_sequence
    link.merged_at = intake.peer.sent
    if is_whole:
        link.their_sequence = item.sequence
    entry = (await entries_crud.by_ids(session, link.workspace_id, [link.entry_id]))[link.entry_id]
    await session.refresh(entry, ["version"])
    link.acked_version = entry.version if merged.state == item.state else None
    link.sent_version = link.sent_sequence = None
    await session.flush()
