"""What a person does with entries."""

from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Cursors, Slice
from app.knowledge.dictionary.entries import crud, finding
from app.knowledge.dictionary.entries.content import content_of, with_ids
from app.knowledge.dictionary.entries.locking import locked, seen
from app.knowledge.dictionary.entries.queries import EntryFilter, EntryQuery
from app.knowledge.dictionary.entries.reads import EntryFacets, EntryRead, FacetCount, shown
from app.knowledge.dictionary.entries.reviewing import after_change, expect_approver, may_approve
from app.knowledge.dictionary.entries.saving import Deed, new_concept, save
from app.knowledge.dictionary.entries.writes import EntryCreate, EntryUpdate


async def create(
    session: AsyncSession, access: Access, new: EntryCreate, *, at: str = "/body"
) -> EntryRead:
    """Raises DictionaryNotFound, EntryInvalid, ExternalIdTaken, TooManyEntries, ApprovalNeeded."""
    if is_approved := new.status == "approved":
        expect_approver(access)
    concept = await new_concept(session, access, new.dictionary_id, new.status)
    told = new.model_dump(mode="json", exclude={"dictionary_id", "status", "comment"})
    content = with_ids(told, [], at)
    deed = Deed("created", new.comment, at, is_review=is_approved)
    return shown(await save(session, access, concept, content, deed))


async def get(session: AsyncSession, access: Access, entry_id: UUID) -> EntryRead:
    """Raises EntryNotFound."""
    return shown(await seen(session, access, entry_id))


async def page(
    session: AsyncSession, access: Access, query: EntryQuery, cursors: Cursors
) -> Slice[EntryRead]:
    found = await finding.page(session, access.workspace_id, query, cursors)
    concepts = await crud.concepts_of(session, access.workspace_id, found.data, inverse=True)
    by_id = {concept.id: shown(concept) for concept in concepts}
    return found.map(lambda entry: by_id[entry.id])


async def facets(session: AsyncSession, access: Access, query: EntryFilter) -> EntryFacets:
    counted = await finding.facets(session, access.workspace_id, query)
    [(_, total)] = counted.pop("total")
    told: dict[str, Any] = {
        name: [FacetCount(value=value, count=count) for value, count in counts]
        for name, counts in counted.items()
    }
    return EntryFacets(total=total, **told)


async def update(
    session: AsyncSession,
    access: Access,
    entry_id: UUID,
    change: EntryUpdate,
    *,
    at: str = "/body",
    expected: int | None = None,
) -> EntryRead:
    """Change what an entry says; one that says it already stays as it is, at its version.

    Raises EntryNotFound, EntryInvalid, ExternalIdTaken and PreconditionFailed.
    """
    given = change.given()
    concept = await locked(session, access, entry_id, expected, relates="relations" in given)
    comment = given.pop("comment", None)
    if "metadata" in given:
        given["metadata"] = given["metadata"] or {}
    before = content_of(concept)
    content = with_ids({**before, **given}, concept.terms, at)
    if content == before:
        return shown(concept)
    status = concept.entry.status
    decides = status == "approved" and may_approve(access)
    deed = Deed("updated", comment, at, is_review=decides)
    status = after_change(access, status)
    return shown(await save(session, access, concept, content, deed, status=status))


async def delete(
    session: AsyncSession, access: Access, entry_id: UUID, *, expected: int | None = None
) -> None:
    """Soft: `restore` brings it back for 30 days. Raises EntryNotFound and PreconditionFailed."""
    concept = await locked(session, access, entry_id, expected)
    deed = Deed("deleted")
    await save(session, access, concept, content_of(concept), deed, deleted_at=now())


async def restore(
    session: AsyncSession,
    access: Access,
    entry_id: UUID,
    *,
    comment: str | None = None,
    expected: int | None = None,
) -> EntryRead:
    """Bring a deleted one back; a living one stays as it is.

    Raises EntryNotFound, RestoreExpired, ExternalIdTaken and PreconditionFailed.
    """
    concept = await locked(session, access, entry_id, expected, deleted=True)
    if concept.entry.deleted_at is None:
        return shown(concept)
    restorable.expect_restorable(concept.entry)
    deed, content = Deed("restored", comment), content_of(concept)
    return shown(await save(session, access, concept, content, deed, deleted_at=None))
