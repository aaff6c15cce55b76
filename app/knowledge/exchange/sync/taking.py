"""Applying a bundle: each entry is merged whole or left alone, in one transaction for all."""

from contextlib import suppress
from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.core.ids import new_id
from app.knowledge.dictionary.dictionaries import service as dictionaries
from app.knowledge.dictionary.entries import service as entries
from app.knowledge.dictionary.entries.rings import lock_relations
from app.knowledge.dictionary.errors import EntryNotFound
from app.knowledge.dictionary.store import upsert_entry
from app.knowledge.exchange import entries_crud
from app.knowledge.exchange.concept import Misshapen
from app.knowledge.exchange.drafts import draft_of
from app.knowledge.exchange.models import BundleRecord
from app.knowledge.exchange.sync import crud
from app.knowledge.exchange.sync.intake import Intake, link_of
from app.knowledge.exchange.sync.merging import is_known
from app.knowledge.exchange.sync.opening import Opened, open_bundle
from app.knowledge.exchange.sync.payload import PayloadEntry
from app.knowledge.exchange.sync.reconciling import COMMENT, reconcile
from app.knowledge.exchange.sync.schemas import BundleApplied, BundleApply
from app.knowledge.exchange.sync.state import concept_of


async def apply(
    session: AsyncSession, access: Access, vault: Vault, dictionary_id: UUID, wanted: BundleApply
) -> BundleApplied:
    """Take over what a peer's bundle tells; one that was applied whole changes nothing more.

    Raises DictionaryNotFound, and BundleRefused before anything is changed.
    """
    await dictionaries.get(session, access, dictionary_id)
    opened = await open_bundle(session, access, vault, dictionary_id, wanted.bundle)
    intake = Intake(session, access, opened.peer, opened.payload.sequence, wanted)
    if opened.is_applied:
        intake.count("known", len(opened.payload.entries))
        return intake.report()
    await crud.acknowledge(session, opened.peer, opened.payload.acks)
    await _take_all(intake, opened.payload.entries)
    if intake.is_complete:
        await crud.add_record(session, _record(opened))
    return intake.report()


async def _take_all(intake: Intake, told: list[PayloadEntry]) -> None:
    session, peer = intake.session, intake.peer
    # In the order in which those who relate entries lock, too.
    await lock_relations(session, peer.workspace_id)
    names = [each.sync_id for each in told]
    intake.here = await crud.entry_ids(session, peer, names)
    await entries_crud.lock(session, peer.workspace_id, intake.here.values())
    intake.links = dict(await crud.links(session, peer, names))
    fresh = [each for each in told if not _is_known(intake, each)]
    intake.count("known", len(told) - len(fresh))
    for each in fresh:
        await _make_room(intake, each)
    for each in fresh:
        await _take_in(intake, each)


def _is_known(intake: Intake, told: PayloadEntry) -> bool:
    return is_known(link_of(intake.links.get(told.sync_id)), intake.item(told))


async def _make_room(intake: Intake, told: PayloadEntry) -> None:
    """Have an entry here for one that is new, so that others of the bundle can lead to it."""
    if told.sync_id in intake.here or told.state is None:
        return
    try:
        concept = concept_of(str(told.sync_id), told.state)
        if concept.external_id and (found := await _same(intake, concept.external_id)):
            intake.here[told.sync_id] = found
            return
        async with intake.session.begin_nested():
            draft = draft_of(concept, concept.status or "draft", {}, related=False)
            done = await upsert_entry(
                intake.session, intake.access, intake.peer.dictionary_id, draft, comment=COMMENT
            )
        intake.here[told.sync_id] = done.concept.id
        intake.made.add(told.sync_id)
    except (AppError, Misshapen) as error:
        intake.refuse(told.sync_id, error)


async def _same(intake: Intake, external_id: str) -> UUID | None:
    """The entry here that has the same external id, locked."""
    session, peer = intake.session, intake.peer
    found = await entries_crud.by_external_ids(
        session, peer.workspace_id, peer.dictionary_id, [external_id]
    )
    await entries_crud.lock(session, peer.workspace_id, found.values())
    return found.get(external_id)


async def _take_in(intake: Intake, told: PayloadEntry) -> None:
    entry_id = intake.here.get(told.sync_id)
    if entry_id is None:
        if told.state is None:
            intake.count("unchanged")
        return
    try:
        async with intake.session.begin_nested():
            outcome = await reconcile(intake, told, entry_id)
        intake.count(outcome)
    except (AppError, Misshapen) as error:
        intake.refuse(told.sync_id, error)
        if told.sync_id in intake.made:
            with suppress(EntryNotFound):
                await entries.delete(intake.session, intake.access, entry_id)


def _record(opened: Opened) -> BundleRecord:
    peer = opened.peer
    return BundleRecord(
        id=new_id(),
        workspace_id=peer.workspace_id,
        peer_id=peer.id,
        direction="in",
        sequence=opened.payload.sequence,
        sha256=opened.sha256,
        entries=len(opened.payload.entries),
        created_at=now(),
    )
