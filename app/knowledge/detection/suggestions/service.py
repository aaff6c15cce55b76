"""What a person does with suggestions."""

from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from app.core.audit import Note, note
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Cursors, Slice
from app.core.versions import IF_MATCH, match
from app.inference.calls.remembering import remembered
from app.knowledge.detection.errors import SuggestionDecided, SuggestionNotFound, SuggestionStale
from app.knowledge.detection.suggestions import crud
from app.knowledge.detection.suggestions.models import DictionarySuggestion
from app.knowledge.detection.suggestions.schemas import SuggestionBulkItem, SuggestionQuery
from app.knowledge.dictionary.dictionaries import service as dictionaries
from app.knowledge.dictionary.entries import review
from app.knowledge.dictionary.entries import service as entries
from app.knowledge.dictionary.entries.content import content_of
from app.knowledge.dictionary.entries.locking import locked
from app.knowledge.dictionary.entries.writes import EntryUpdate
from app.knowledge.dictionary.errors import EntryNotFound, TransitionRefused
from app.runs.runs import service as runs
from app.runs.runs.models import Run

KIND: Final = "dictionary_scan"


async def scan(session: AsyncSession, access: Access, executor_id: str, dictionary_id: UUID) -> Run:
    """The run that looks through a dictionary; raises DictionaryNotFound."""
    await dictionaries.get(session, access, dictionary_id)
    return await runs.create(
        session,
        access,
        executor_id=executor_id,
        kind=KIND,
        subject_id=dictionary_id,
        input={
            "dictionary_id": str(dictionary_id),
            "approves": Permission.DICTIONARY_APPROVE in access.permissions,
            **remembered(access),
        },
    )


async def get(session: AsyncSession, access: Access, suggestion_id: UUID) -> DictionarySuggestion:
    """Raises SuggestionNotFound."""
    found = await crud.find(session, access.workspace_id, suggestion_id)
    if found is None:
        raise SuggestionNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: SuggestionQuery, cursors: Cursors
) -> Slice[DictionarySuggestion]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def accept(
    session: AsyncSession, access: Access, suggestion_id: UUID, resolution: str
) -> DictionarySuggestion:
    """Have the entry say it, through its own update: with version, revision and review.

    Raises SuggestionNotFound, SuggestionDecided, SuggestionStale, and what that update raises.
    """
    suggestion = await _pending(session, access, suggestion_id)
    try:
        await _apply(session, access, suggestion, resolution)
    except (EntryNotFound, TransitionRefused) as error:
        raise SuggestionStale(error.detail or error.title) from error
    detail = {"resolution": resolution} if suggestion.kind == "duplicate" else {}
    return await decide(session, access, suggestion, "accepted", detail)


async def dismiss(
    session: AsyncSession, access: Access, suggestion_id: UUID
) -> DictionarySuggestion:
    """For good: no later scan suggests it again. Raises SuggestionNotFound, SuggestionDecided."""
    suggestion = await _pending(session, access, suggestion_id)
    return await decide(session, access, suggestion, "dismissed", {})


async def decide_each(
    session: AsyncSession, access: Access, items: list[SuggestionBulkItem]
) -> BulkResult:
    async def act(item: SuggestionBulkItem) -> UUID:
        if item.action == "accept":
            await accept(session, access, item.id, item.resolution)
        else:
            await dismiss(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def add_field(
    session: AsyncSession, access: Access, suggestion: DictionarySuggestion, comment: str
) -> None:
    """Give an entry the subject field that is suggested.

    Raises SuggestionStale where it has as many as it may, and what its update raises.
    """
    concept = await locked(session, access, suggestion.entry_id)
    fields, value = concept.entry.subject_fields, suggestion.value or ""
    if value.casefold() not in {field.casefold() for field in fields}:
        await _change(session, access, concept.id, comment, subject_fields=[*fields, value])


async def decide(
    session: AsyncSession,
    access: Access,
    suggestion: DictionarySuggestion,
    status: str,
    detail: dict[str, Any],
) -> DictionarySuggestion:
    suggestion.status, suggestion.decided_at = status, now()
    suggestion.decided_by_id = access.user_id
    await session.flush()
    await session.refresh(suggestion)
    told = {"entry_id": str(suggestion.entry_id), "mark": suggestion.mark, **detail}
    note(
        session,
        Note(
            f"dictionary_suggestions_{status}",
            "dictionary_suggestion",
            suggestion.id,
            workspace_id=access.workspace_id,
            detail=told,
        ),
    )
    return suggestion


async def _pending(
    session: AsyncSession, access: Access, suggestion_id: UUID
) -> DictionarySuggestion:
    found = await crud.find(session, access.workspace_id, suggestion_id, for_update=True)
    if found is None:
        raise SuggestionNotFound
    await match(session, found)
    # It named the suggestion's version, and says nothing of the entry's.
    session.info.pop(IF_MATCH, None)
    if found.status != "pending":
        raise SuggestionDecided(f"It is {found.status}.")
    return found


async def _apply(
    session: AsyncSession, access: Access, suggestion: DictionarySuggestion, resolution: str
) -> None:
    this, other = suggestion.entry_id, suggestion.other_entry_id
    if other is None:
        await add_field(session, access, suggestion, "As suggested.")
    elif resolution == "same_as":
        # Those to deleted entries included: they come back with these.
        known = content_of(await locked(session, access, this, relates=True))["relations"]
        told = {"kind": "same_as", "target_id": str(other), "target_uri": None}
        await entries.get(session, access, other)
        if told not in known:
            await _change(session, access, this, "As suggested.", relations=[*known, told])
    else:
        gone, stays = (this, other) if resolution == "replace_this" else (other, this)
        await review.transition(
            session, access, gone, "deprecate", comment="As suggested.", replaced_by_id=stays
        )


async def _change(
    session: AsyncSession, access: Access, entry_id: UUID, comment: str, **told: Any
) -> None:
    try:
        change = EntryUpdate.model_validate({**told, "comment": comment})
    except ValidationError as error:
        raise SuggestionStale("The entry holds as much as it may.") from error
    await entries.update(session, access, entry_id, change)
