"""Suggestions in Postgres."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.ids import new_id
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.knowledge.detection.suggestions.items import Suggested
from app.knowledge.detection.suggestions.models import DictionarySuggestion
from app.knowledge.detection.suggestions.schemas import SuggestionQuery
from app.knowledge.dictionary.models import Dictionary

# Of one statement: Postgres takes 32,767 values.
_ROWS: Final = 1_000


async def find(
    session: AsyncSession, workspace_id: UUID, suggestion_id: UUID, *, for_update: bool = False
) -> DictionarySuggestion | None:
    statement = select(DictionarySuggestion).where(
        DictionarySuggestion.workspace_id == workspace_id,
        DictionarySuggestion.id == suggestion_id,
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession, workspace_id: UUID, query: SuggestionQuery, cursors: Cursors
) -> Slice[DictionarySuggestion]:
    """Newest first, of living dictionaries."""
    living = select(Dictionary.id).where(Dictionary.deleted_at.is_(None))
    statement = select(DictionarySuggestion).where(
        DictionarySuggestion.workspace_id == workspace_id,
        DictionarySuggestion.dictionary_id.in_(living),
    )
    for name in ("dictionary_id", "entry_id", "kind", "status"):
        if (value := getattr(query, name)) is not None:
            statement = statement.where(getattr(DictionarySuggestion, name) == value)
    keyset = Keyset(DictionarySuggestion.created_at, DictionarySuggestion.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def put(
    session: AsyncSession,
    workspace_id: UUID,
    dictionary_id: UUID,
    run_id: UUID,
    found: Sequence[Suggested],
) -> None:
    """Have these pending; what has been decided stays as it was."""
    for start in range(0, len(found), _ROWS):
        some = found[start : start + _ROWS]
        await _put(session, [_row(workspace_id, dictionary_id, run_id, each) for each in some])


async def _put(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    statement = insert(DictionarySuggestion).values(rows)
    fresh = {
        name: statement.excluded[name]
        for name in ("value", "score", "evidence", "run_id", "updated_at")
    }
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["entry_id", "mark"],
            set_=fresh,
            where=DictionarySuggestion.status == "pending",
        )
    )


async def pending_fields_from(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, entry_ids: Iterable[UUID], least: float
) -> Sequence[DictionarySuggestion]:
    """Subject fields that a scan found for entries with at least this score."""
    statement = (
        select(DictionarySuggestion)
        .where(
            DictionarySuggestion.workspace_id == workspace_id,
            DictionarySuggestion.run_id == run_id,
            DictionarySuggestion.entry_id.in_(list(entry_ids)),
            DictionarySuggestion.kind == "subject_field",
            DictionarySuggestion.status == "pending",
            DictionarySuggestion.score >= least,
        )
        .order_by(DictionarySuggestion.entry_id, DictionarySuggestion.score.desc())
    )
    return (await session.scalars(statement)).all()


async def drop_stale(
    session: AsyncSession, workspace_id: UUID, dictionary_id: UUID, before: datetime
) -> None:
    """Take away what nobody decided and no scan has found since then."""
    await session.execute(
        delete(DictionarySuggestion).where(
            DictionarySuggestion.workspace_id == workspace_id,
            DictionarySuggestion.dictionary_id == dictionary_id,
            DictionarySuggestion.status == "pending",
            DictionarySuggestion.updated_at < before,
        )
    )


def _row(workspace_id: UUID, dictionary_id: UUID, run_id: UUID, found: Suggested) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": workspace_id,
        "dictionary_id": dictionary_id,
        "entry_id": found.entry_id,
        "kind": found.kind,
        "mark": found.mark,
        "value": found.value,
        "other_entry_id": found.other_entry_id,
        "score": found.score,
        "evidence": [asdict(proof) for proof in found.proofs],
        "status": "pending",
        "run_id": run_id,
        "updated_at": now(),
    }
