"""Writing whole entries from elsewhere: each is made, replaced, or found to be as it should be."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.knowledge.dictionary.concept import Concept
from app.knowledge.dictionary.draft import EntryDraft
from app.knowledge.dictionary.entries import checking, crud, rings
from app.knowledge.dictionary.entries.content import content_of, content_of_draft, with_ids
from app.knowledge.dictionary.entries.reviewing import as_imported
from app.knowledge.dictionary.entries.saving import Deed, new_concept, save
from app.knowledge.dictionary.errors import DictionaryNotFound, EntryNotFound
from app.knowledge.dictionary.models import Entry


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of a draft, and the entry as it is now."""

    concept: Concept
    outcome: Literal["created", "updated", "unchanged"]


async def upsert_entry(
    session: AsyncSession,
    access: Access,
    dictionary_id: UUID,
    draft: EntryDraft,
    *,
    entry_id: UUID | None = None,
    comment: str | None = None,
    at: str = "",
) -> Upserted:
    """Make an entry, or replace the one with this `entry_id`, or with the draft's external id.

    All of it is done or none: the entry, its terms, relations, revision and passages; call it in
    a savepoint where others go on. What is approved without `dictionary:approve` is only proposed.
    A replaced entry that is deleted is brought back. Pointers of errors begin with `at`. Raises
    DictionaryNotFound, EntryNotFound, EntryInvalid, ExternalIdTaken and TooManyEntries.
    """
    if await crud.find_dictionary(session, access.workspace_id, dictionary_id) is None:
        raise DictionaryNotFound
    if draft.relations or draft.replaced_by_id:
        await rings.lock_relations(session, access.workspace_id)
    found = await _find(session, access.workspace_id, dictionary_id, draft, entry_id)
    if found is None:
        concept = await new_concept(session, access, dictionary_id, "draft")
        known = None
    else:
        [concept] = await crud.concepts_of(session, access.workspace_id, [found])
        known = content_of(concept)
    content = with_ids(content_of_draft(draft, at, known), concept.terms, at)
    status = as_imported(access, draft.status)
    if content == known and _stands_so(concept.entry, draft, status):
        return Upserted(concept, "unchanged")
    if draft.replaced_by_id is not None:
        await checking.check_replacement(session, concept.entry, draft.replaced_by_id, at)
    deed = Deed("imported", comment, at, is_review=status == "approved")
    others = {"status": status, "replaced_by_id": draft.replaced_by_id, "deleted_at": None}
    saved = await save(session, access, concept, content, deed, **others)
    return Upserted(saved, "created" if known is None else "updated")


async def _find(
    session: AsyncSession,
    workspace_id: UUID,
    dictionary_id: UUID,
    draft: EntryDraft,
    entry_id: UUID | None,
) -> Entry | None:
    if entry_id is not None:
        found = await crud.find_locked(session, workspace_id, entry_id)
        if found is None or found.dictionary_id != dictionary_id:
            raise EntryNotFound
        return found
    if draft.external_id is None:
        return None
    return await crud.find_external(session, workspace_id, dictionary_id, draft.external_id)


def _stands_so(entry: Entry, draft: EntryDraft, status: str) -> bool:
    return (
        entry.status in (draft.status, status)
        and entry.replaced_by_id == draft.replaced_by_id
        and entry.deleted_at is None
    )
