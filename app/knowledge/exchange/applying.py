"""The steps of an import: each does a few rows in the transaction it is given, and all of a row.

First every concept is written that leads only to entries that are there. One that leads to others
of the file waits; a new one is made so far without relations. Then those that wait are related.
One that cannot be is refused, and if this import has made it, deleted again.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.knowledge.dictionary.entries import service as entries
from app.knowledge.dictionary.entries.bounds import MOST_RELATIONS, MOST_TERMS
from app.knowledge.dictionary.entries.rings import lock_relations
from app.knowledge.dictionary.errors import EntryNotFound
from app.knowledge.dictionary.store import entries as load_entries
from app.knowledge.dictionary.store import upsert_entry
from app.knowledge.exchange import crud, entries_crud
from app.knowledge.exchange.concept import Concept, from_wire
from app.knowledge.exchange.drafts import canonical, draft_of, merged, of_entry, targets_of
from app.knowledge.exchange.errors import RowRefused
from app.knowledge.exchange.matching import entry_of, targets
from app.knowledge.exchange.models import DictionaryImport, ImportRow
from app.knowledge.exchange.reading.parent import Found

ROWS_AT_ONCE: Final = 50
MOST_REASON: Final = 1000
# Of what the file calls a concept: an index of Postgres takes no more.
MOST_KEY: Final = 600


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of a row. `outcome` is None while it waits for its relations."""

    entry_id: UUID | None
    outcome: str | None
    made: bool = False


async def keep_rows(
    session: AsyncSession, started: DictionaryImport, found: Sequence[Found]
) -> None:
    """Write down what was read of the file."""
    await crud.add_rows(session, started, [_values(row) for row in found])


def _values(row: Found) -> dict[str, Any]:
    concept, reason = row.concept, row.reason
    key = concept["id"] if concept else ""
    if concept and max(len(key), len(concept["external_id"] or "")) > MOST_KEY:
        concept, reason = None, f"its id is longer than {MOST_KEY} characters"
    return {
        "position": row.position,
        "line": row.line,
        "key": key[:MOST_KEY],
        "external_id": concept["external_id"] if concept else None,
        "concept": concept,
        "status": "pending" if concept else "refused",
        "reason": reason,
    }


async def finish_reading(session: AsyncSession, started: DictionaryImport) -> None:
    """Everything has been read: refuse what is there twice, count, and go on to writing."""
    await crud.refuse_doubles(session, started)
    counted = await crud.count_rows(session, started)
    started.total, started.refused = sum(counted.values()), counted.get("refused", 0)
    started.stage = "writing"


async def write_some(
    session: AsyncSession, access: Access, started: DictionaryImport, limit: int = ROWS_AT_ONCE
) -> bool:
    """Take in the next rows; false where there are no more."""
    # Before any entry is locked, as whoever relates entries does.
    await lock_relations(session, started.workspace_id)
    rows = await crud.next_rows(session, started, "pending", limit)
    for row in rows:
        try:
            async with session.begin_nested():
                taken = await _write(session, access, started, row)
        except AppError as error:
            _refuse(started, row, error)
        else:
            row.entry_id, row.made = taken.entry_id, taken.made
            row.status = "done" if taken.outcome else "waiting"
            _count(started, taken.outcome)
        await session.flush()
    return bool(rows)


async def relate_some(
    session: AsyncSession, access: Access, started: DictionaryImport, limit: int = ROWS_AT_ONCE
) -> bool:
    """Relate the next of those that wait; false where there are no more."""
    await lock_relations(session, started.workspace_id)
    rows = await crud.next_rows(session, started, "waiting", limit)
    for row in rows:
        entry_id, made = row.entry_id, row.made
        try:
            async with session.begin_nested():
                outcome = await _relate(session, access, started, row)
        except AppError as error:
            if made and entry_id is not None:
                await _delete(session, access, entry_id)
            _refuse(started, row, error)
        else:
            row.status = "done"
            _count(started, "created" if made else outcome)
        await session.flush()
    return bool(rows)


async def remove_some(
    session: AsyncSession, access: Access, started: DictionaryImport, limit: int = ROWS_AT_ONCE
) -> bool:
    """Delete the next entries that the file does not have; false where there are no more."""
    found = await entries_crud.untouched(session, started, limit)
    for entry_id in found:
        await _delete(session, access, entry_id)
        started.removed += 1
    return bool(found)


def removes(started: DictionaryImport) -> bool:
    """Whether entries that the file does not have are to go."""
    return started.mode == "replace" and (started.refused == 0 or started.continue_on_error)


async def _delete(session: AsyncSession, access: Access, entry_id: UUID) -> None:
    # Somebody may have done it meanwhile.
    with suppress(EntryNotFound):
        await entries.delete(session, access, entry_id)


async def _write(
    session: AsyncSession, access: Access, started: DictionaryImport, row: ImportRow
) -> _Taken:
    concept = canonical(from_wire(row.concept))
    if len(concept.terms) > MOST_TERMS or len(concept.relations) > MOST_RELATIONS:
        raise RowRefused(f"has more than {MOST_TERMS} terms or {MOST_RELATIONS} relations")
    entry_id = await entry_of(session, access, started, concept)
    if entry_id is not None and await crud.is_touched(session, started, entry_id):
        raise RowRefused("means the same entry as another one before it")
    concept = await _completed(session, access, started, concept, entry_id)
    meant, later = await targets(session, access, started, targets_of(concept))
    if later and entry_id is not None:
        return _Taken(entry_id, None)
    draft = draft_of(concept, concept.status or started.default_status, meant, related=not later)
    done = await upsert_entry(
        session, access, started.dictionary_id, draft, entry_id=entry_id, comment=started.name
    )
    return _Taken(done.concept.id, None if later else done.outcome, done.outcome == "created")


async def _relate(
    session: AsyncSession, access: Access, started: DictionaryImport, row: ImportRow
) -> str:
    concept = canonical(from_wire(row.concept))
    concept = await _completed(
        session, access, started, concept, None if row.made else row.entry_id
    )
    meant, _ = await targets(session, access, started, targets_of(concept))
    draft = draft_of(concept, concept.status or started.default_status, meant)
    done = await upsert_entry(
        session, access, started.dictionary_id, draft, entry_id=row.entry_id, comment=started.name
    )
    return done.outcome


async def _completed(
    session: AsyncSession,
    access: Access,
    started: DictionaryImport,
    concept: Concept,
    entry_id: UUID | None,
) -> Concept:
    """What is to be written: to `merge`, with what the entry said that the file leaves out."""
    if entry_id is None or started.mode == "replace":
        return concept
    if started.mode == "create_only":
        raise RowRefused("an entry for it is there already")
    await entries_crud.lock(session, access.workspace_id, [entry_id])
    known = await load_entries(session, access.workspace_id, [entry_id])
    return merged(of_entry(known[0]), concept) if known else concept


def _refuse(started: DictionaryImport, row: ImportRow, error: AppError) -> None:
    row.status, row.reason = "refused", error.detail[:MOST_REASON]
    started.refused += 1


def _count(started: DictionaryImport, outcome: str | None) -> None:
    if outcome is not None:
        setattr(started, outcome, getattr(started, outcome) + 1)
