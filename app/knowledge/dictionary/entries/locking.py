"""Entries as a request addresses them: to be seen, or locked to be changed."""

from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.versions import PreconditionFailed, etag_of, match
from app.knowledge.dictionary.concept import Concept
from app.knowledge.dictionary.entries import crud, rings
from app.knowledge.dictionary.errors import EntryNotFound
from app.knowledge.dictionary.models import Entry


async def seen(session: AsyncSession, access: Access, entry_id: UUID) -> Concept:
    """A living entry of a living dictionary; raises EntryNotFound."""
    entry = await restorable.find(session, Entry, access.workspace_id, entry_id)
    return await _whole(session, access, entry, deleted=False)


async def locked(
    session: AsyncSession,
    access: Access,
    entry_id: UUID,
    expected: int | None = None,
    *,
    deleted: bool = False,
    relates: bool = False,
) -> Concept:
    """An entry that nobody else changes until the transaction ends, a `deleted` one included.

    `relates`: its relations, or what replaces it, may change. Raises EntryNotFound, and
    PreconditionFailed where it is not at the version that the request or an item of it
    (`expected`) asks for.
    """
    if relates:
        await rings.lock_relations(session, access.workspace_id)
    entry = await crud.find_locked(session, access.workspace_id, entry_id)
    concept = await _whole(session, access, entry, deleted=deleted)
    await match(session, concept.entry)
    if expected is not None and concept.entry.version != expected:
        raise PreconditionFailed(etag_of(concept.entry.version))
    return concept


async def _whole(
    session: AsyncSession, access: Access, entry: Entry | None, *, deleted: bool
) -> Concept:
    if entry is None or (entry.deleted_at and not deleted):
        raise EntryNotFound
    if await crud.find_dictionary(session, access.workspace_id, entry.dictionary_id) is None:
        raise EntryNotFound
    [concept] = await crud.concepts_of(session, access.workspace_id, [entry], inverse=True)
    return concept
