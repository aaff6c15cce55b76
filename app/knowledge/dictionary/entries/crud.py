"""Concepts in Postgres: entries with their terms and relations."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, func, literal, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.knowledge.dictionary.concept import Concept
from app.knowledge.dictionary.entries.bounds import MOST_RELATIONS
from app.knowledge.dictionary.errors import ExternalIdTaken
from app.knowledge.dictionary.models import Dictionary, Entry, Relation, Revision, Term

EXTERNAL_ID: Final = "uq_terminology_entries_external_id"


async def entries(
    session: AsyncSession, workspace_id: UUID, entry_ids: Iterable[UUID]
) -> Sequence[Concept]:
    """Living concepts of living dictionaries, by id; those that are not there are left out."""
    statement = select(Entry).where(*in_force(workspace_id), Entry.id.in_(list(entry_ids)))
    rows = (await session.scalars(statement.order_by(Entry.id))).all()
    return await concepts_of(session, workspace_id, rows)


async def entries_after(
    session: AsyncSession,
    workspace_id: UUID,
    dictionary_id: UUID,
    *,
    after: UUID | None = None,
    limit: int = 200,
    statuses: Sequence[str] | None = None,
) -> Sequence[Concept]:
    """The next living concepts of a dictionary, oldest first; for going through all of it."""
    conditions = [*in_force(workspace_id), Entry.dictionary_id == dictionary_id]
    if after is not None:
        conditions.append(Entry.id > after)
    if statuses is not None:
        conditions.append(Entry.status.in_(statuses))
    statement = select(Entry).where(*conditions).order_by(Entry.id).limit(limit)
    return await concepts_of(session, workspace_id, (await session.scalars(statement)).all())


async def concepts_of(
    session: AsyncSession, workspace_id: UUID, rows: Sequence[Entry], *, inverse: bool = False
) -> Sequence[Concept]:
    """These entries with what belongs to them, in their order."""
    ids = [row.id for row in rows]
    terms: dict[UUID, list[Term]] = defaultdict(list)
    found_terms = select(Term).where(Term.workspace_id == workspace_id, Term.entry_id.in_(ids))
    for term in await session.scalars(found_terms.order_by(Term.entry_id, Term.ordinal)):
        terms[term.entry_id].append(term)
    own = await _relations(session, workspace_id, Relation.entry_id, ids)
    others = await _relations(session, workspace_id, Relation.target_id, ids) if inverse else {}
    ends = {
        end
        for relation in chain(*own.values(), *others.values())
        for end in (relation.entry_id, relation.target_id)
        if end is not None
    }
    gone = frozenset(ends - await living_ids(session, workspace_id, ends)) if ends else frozenset()
    return [
        Concept(row, terms[row.id], own.get(row.id, []), others.get(row.id, []), gone)
        for row in rows
    ]


async def _relations(
    session: AsyncSession,
    workspace_id: UUID,
    column: InstrumentedAttribute[Any],
    entry_ids: Sequence[UUID],
) -> dict[UUID, list[Relation]]:
    """Relations by the entry at one of their ends, the first MOST_RELATIONS of each."""
    order = (Relation.ordinal, Relation.id)
    place = func.row_number().over(partition_by=column, order_by=order).label("place")
    placed = (
        select(Relation.id, place)
        .where(Relation.workspace_id == workspace_id, column.in_(entry_ids))
        .subquery()
    )
    statement = (
        select(Relation)
        .join(placed, placed.c.id == Relation.id)
        .where(placed.c.place <= MOST_RELATIONS)
        .order_by(*order)
    )
    found: dict[UUID, list[Relation]] = defaultdict(list)
    for relation in await session.scalars(statement):
        found[getattr(relation, column.key)].append(relation)
    return found


async def find_dictionary(
    session: AsyncSession, workspace_id: UUID, dictionary_id: UUID
) -> Dictionary | None:
    """A living one."""
    statement = select(Dictionary).where(
        Dictionary.workspace_id == workspace_id,
        Dictionary.id == dictionary_id,
        Dictionary.deleted_at.is_(None),
    )
    return (await session.scalars(statement)).one_or_none()


async def find_locked(session: AsyncSession, workspace_id: UUID, entry_id: UUID) -> Entry | None:
    """One that nobody else changes until the transaction ends, a deleted one included.

    Others may relate theirs to it meanwhile.
    """
    statement = select(Entry).where(Entry.workspace_id == workspace_id, Entry.id == entry_id)
    return (await session.scalars(statement.with_for_update(key_share=True))).one_or_none()


async def find_external(
    session: AsyncSession, workspace_id: UUID, dictionary_id: UUID, external_id: str
) -> Entry | None:
    """The living entry that has an external id, locked."""
    statement = select(Entry).where(
        Entry.workspace_id == workspace_id,
        Entry.dictionary_id == dictionary_id,
        Entry.external_id == external_id,
        Entry.deleted_at.is_(None),
    )
    return (await session.scalars(statement.with_for_update(key_share=True))).one_or_none()


async def living_ids(
    session: AsyncSession, workspace_id: UUID, entry_ids: Iterable[UUID], *, drafts: bool = True
) -> set[UUID]:
    """Those of the entries that live, `drafts` among them or not."""
    # One value, however many they are.
    among = any_(literal(list(entry_ids), ARRAY(Uuid())))
    statement = select(Entry.id).where(*in_force(workspace_id), Entry.id == among)
    if not drafts:
        statement = statement.where(Entry.status != "draft")
    return set((await session.scalars(statement)).all())


async def count_living(session: AsyncSession, workspace_id: UUID, dictionary_id: UUID) -> int:
    statement = select(func.count()).where(
        Entry.workspace_id == workspace_id,
        Entry.dictionary_id == dictionary_id,
        Entry.deleted_at.is_(None),
    )
    return await session.scalar(statement) or 0


async def save(session: AsyncSession, entry: Entry) -> None:
    """Write an entry in one statement, so that its version counts up by one.

    Raises ExternalIdTaken.
    """
    session.add(entry)
    taken = f"The external id {entry.external_id!r} is in use in this dictionary."
    try:
        await session.flush()
    except IntegrityError as error:
        if EXTERNAL_ID not in str(error.orig):
            raise
        raise ExternalIdTaken(taken) from error


async def replace_parts(
    session: AsyncSession, concept: Concept, terms: Sequence[Term], relations: Sequence[Relation]
) -> None:
    """Have an entry these terms and relations, and no others."""
    kept = {part.id for part in (*terms, *relations)}
    for part in (*concept.terms, *concept.relations):
        if part.id not in kept:
            await session.delete(part)
    session.add_all([*terms, *relations])
    await session.flush()


async def add(session: AsyncSession, revision: Revision) -> None:
    session.add(revision)
    await session.flush()


def in_living_dictionary() -> ColumnElement[bool]:
    living = select(Dictionary.id).where(Dictionary.deleted_at.is_(None))
    return Entry.dictionary_id.in_(living)


def in_force(workspace_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """That an entry lives, and its dictionary, too."""
    return (Entry.workspace_id == workspace_id, Entry.deleted_at.is_(None), in_living_dictionary())
