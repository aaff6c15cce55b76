"""The one way in which an entry changes: its rows, its history and its passages, all or none."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.knowledge.dictionary.concept import Concept
from app.knowledge.dictionary.entries import checking, crud, indexing
from app.knowledge.dictionary.entries.bounds import MOST_ENTRIES
from app.knowledge.dictionary.entries.content import (
    Content,
    content_of,
    fill,
    fill_term,
    relation_of,
)
from app.knowledge.dictionary.errors import DictionaryNotFound, TooManyEntries
from app.knowledge.dictionary.models import Entry, Relation, Revision, Term

_COUNTED: Final = "luminous_entries_counted"


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to an entry: the action that its history tells, and why.

    `at` begins the pointers of errors. `is_review`: whoever does it decides on the entry.
    """

    action: str
    comment: str | None = None
    at: str = "/body"
    is_review: bool = False


async def new_concept(
    session: AsyncSession, access: Access, dictionary_id: UUID, status: str
) -> Concept:
    """An entry that is not saved yet; raises DictionaryNotFound and TooManyEntries."""
    workspace_id = access.workspace_id
    if await crud.find_dictionary(session, workspace_id, dictionary_id) is None:
        raise DictionaryNotFound
    await _expect_room(session, workspace_id, dictionary_id)
    entry = Entry(
        id=new_id(),
        workspace_id=workspace_id,
        dictionary_id=dictionary_id,
        status=status,
        created_by_id=access.user_id,
    )
    return Concept(entry, [], [])


async def save(
    session: AsyncSession,
    access: Access,
    concept: Concept,
    content: Content,
    deed: Deed,
    **changed: Any,
) -> Concept:
    """Have an entry say this, with these other columns `changed`, as its next version.

    Each term of the content has its id (`content.with_ids`). Raises EntryInvalid and
    ExternalIdTaken; then nothing is to be kept of the transaction.
    """
    entry, is_new = concept.entry, concept.entry.created_at is None
    before = None if is_new else content_of(concept)
    if content != before:
        checking.check(content, deed.at)
        await checking.check_relations(session, entry, content, before, deed.at)
    fill(entry, content)
    for name, value in changed.items():
        setattr(entry, name, value)
    entry.updated_at = now()
    if deed.is_review:
        entry.reviewed_by_id, entry.reviewed_at = access.user_id, entry.updated_at
        entry.review_comment = deed.comment
    await crud.save(session, entry)
    terms, relations = _rows(concept, content)
    await crud.replace_parts(session, concept, terms, relations)
    await crud.add(session, revision_of(entry, content, access.user_id, deed))
    await indexing.index(session, entry, content, access.user_id)
    return Concept(entry, terms, relations, concept.inverse, concept.gone)


def snapshot_of(entry: Entry, content: Content) -> dict[str, Any]:
    """The whole of an entry at one version."""
    replaced_by = str(entry.replaced_by_id) if entry.replaced_by_id else None
    return {
        **content,
        "status": entry.status,
        "replaced_by_id": replaced_by,
        "deleted": entry.deleted_at is not None,
    }


def revision_of(entry: Entry, content: Content, user_id: UUID, deed: Deed) -> Revision:
    return Revision(
        id=new_id(),
        workspace_id=entry.workspace_id,
        entry_id=entry.id,
        version=entry.version,
        action=deed.action,
        status=entry.status,
        snapshot=snapshot_of(entry, content),
        changed_by_id=user_id,
        comment=deed.comment,
    )


def _rows(concept: Concept, content: Content) -> tuple[list[Term], list[Relation]]:
    """The rows of a content: those that are there already, changed, and new ones."""
    entry, known = concept.entry, {str(term.id): term for term in concept.terms}
    terms = [
        fill_term(known.get(told["id"]) or _new_term(entry, told["id"]), told, ordinal)
        for ordinal, told in enumerate(content["terms"])
    ]
    had = content_of(concept)["relations"]
    if had == content["relations"]:
        return terms, list(concept.relations)
    wanted = enumerate(content["relations"])
    return terms, [relation_of(entry, told, ordinal) for ordinal, told in wanted]


def _new_term(entry: Entry, term_id: str) -> Term:
    return Term(
        id=UUID(term_id),
        workspace_id=entry.workspace_id,
        dictionary_id=entry.dictionary_id,
        entry_id=entry.id,
    )


async def _expect_room(session: AsyncSession, workspace_id: UUID, dictionary_id: UUID) -> None:
    """Raises TooManyEntries. Counted once a transaction, which an import is glad of."""
    counted: dict[UUID, int] = session.info.setdefault(_COUNTED, {})
    if dictionary_id not in counted:
        counted[dictionary_id] = await crud.count_living(session, workspace_id, dictionary_id)
    if counted[dictionary_id] >= MOST_ENTRIES:
        raise TooManyEntries(f"A dictionary holds at most {MOST_ENTRIES} entries.")
    counted[dictionary_id] += 1
