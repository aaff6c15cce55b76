"""What an entry was."""

from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.paging import Cursors, Slice
from app.knowledge.dictionary.entries import finding
from app.knowledge.dictionary.entries.diffing import differences
from app.knowledge.dictionary.entries.locking import seen
from app.knowledge.dictionary.entries.queries import RevisionQuery
from app.knowledge.dictionary.entries.reads import EntryDiff
from app.knowledge.dictionary.errors import RevisionNotFound
from app.knowledge.dictionary.models import Revision


async def page(
    session: AsyncSession, access: Access, entry_id: UUID, query: RevisionQuery, cursors: Cursors
) -> Slice[Revision]:
    """Raises EntryNotFound."""
    await seen(session, access, entry_id)
    return await finding.revisions(session, access.workspace_id, entry_id, query, cursors)


async def get(session: AsyncSession, access: Access, entry_id: UUID, version: int) -> Revision:
    """Raises EntryNotFound and RevisionNotFound."""
    await seen(session, access, entry_id)
    return await _at(session, access, entry_id, version)


async def diff(
    session: AsyncSession, access: Access, entry_id: UUID, first: int | None, then: int | None
) -> EntryDiff:
    """Left open, it is the last change, or the one that led to `then`.

    Raises EntryNotFound and RevisionNotFound.
    """
    concept = await seen(session, access, entry_id)
    then = then or concept.entry.version
    first = first or max(1, then - 1)
    before = await _at(session, access, entry_id, first)
    after = await _at(session, access, entry_id, then)
    changes = differences(before.snapshot, after.snapshot)
    return EntryDiff(from_version=first, to_version=then, changes=changes)


async def _at(session: AsyncSession, access: Access, entry_id: UUID, version: int) -> Revision:
    found = await finding.revision(session, access.workspace_id, entry_id, version)
    if found is None:
        raise RevisionNotFound
    return found
