"""What holds: the terms to look for, and whether any of it has changed."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.dictionary.entries.crud import in_force
from app.knowledge.dictionary.models import Dictionary, Entry, Term

_PIECE: Final = 2_000


class TermRow(NamedTuple):
    """One term of what holds, as detection reads it."""

    id: UUID
    entry_id: UUID
    dictionary_id: UUID
    language: str
    text: str
    status: str
    part_of_speech: str | None
    entry_status: str


async def load_terms(
    session: AsyncSession,
    workspace_id: UUID,
    dictionary_ids: Sequence[UUID],
    *,
    most: int | None = None,
) -> Sequence[TermRow]:
    """The terms of approved and proposed entries of these dictionaries, by entry and in order."""
    statement = (
        select(
            Term.id,
            Term.entry_id,
            Term.dictionary_id,
            Term.language,
            Term.text,
            Term.status,
            Term.part_of_speech,
            Entry.status,
        )
        .join(Entry, Entry.id == Term.entry_id)
        .where(
            *in_force(workspace_id),
            Entry.dictionary_id.in_(dictionary_ids),
            Entry.status.in_(("approved", "proposed")),
        )
        .order_by(Term.entry_id, Term.ordinal)
        .limit(most)
    )
    rows: list[TermRow] = []
    # In pieces: other requests have their turn in between.
    async for part in (await session.stream(statement)).partitions(_PIECE):
        rows += [TermRow(*row) for row in part]
    return rows


async def default_dictionaries(session: AsyncSession, workspace_id: UUID) -> Sequence[UUID]:
    """Those that hold in the whole workspace, oldest first."""
    statement = (
        select(Dictionary.id)
        .where(
            Dictionary.workspace_id == workspace_id,
            Dictionary.deleted_at.is_(None),
            Dictionary.is_default,
        )
        .order_by(Dictionary.id)
    )
    return (await session.scalars(statement)).all()


async def stamp(
    session: AsyncSession, workspace_id: UUID, dictionary_ids: Sequence[UUID] | None = None
) -> str:
    """Something else after every change of these dictionaries, or of any, and of their entries.

    Versions only ever go up, so their sum tells of each change, in whichever order they commit;
    the newest time tells of one that a purge would make up for.
    """
    books = select(func.count(), func.coalesce(func.sum(Dictionary.version), 0)).where(
        Dictionary.workspace_id == workspace_id
    )
    concepts = select(
        func.count(),
        func.coalesce(func.sum(Entry.version), 0),
        func.max(Entry.updated_at),
    ).where(Entry.workspace_id == workspace_id)
    if dictionary_ids is not None:
        books = books.where(Dictionary.id.in_(dictionary_ids))
        concepts = concepts.where(Entry.dictionary_id.in_(dictionary_ids))
    found = [*(await session.execute(books)).one(), *(await session.execute(concepts)).one()]
    return "/".join(str(number) for number in found)
