"""Entries in Postgres, found by filters: pages of them, and how they are spread."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.knowledge.dictionary import texts
from app.knowledge.dictionary.entries.crud import in_force, in_living_dictionary
from app.knowledge.dictionary.entries.queries import EntryFilter, EntryQuery, RevisionQuery
from app.knowledge.dictionary.models import Entry, Revision, Term
from app.knowledge.parsing.letters import unaccented
from app.knowledge.passages.mentioning import mentions

MOST_VALUES: Final = 100


async def page(
    session: AsyncSession, workspace_id: UUID, query: EntryQuery, cursors: Cursors
) -> Slice[Entry]:
    column = Entry.updated_at if query.sort == "updated_at" else Entry.created_at
    statement = select(Entry).where(*_meant(workspace_id, query))
    keyset = Keyset(column, Entry.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def facets(
    session: AsyncSession, workspace_id: UUID, query: EntryFilter
) -> dict[str, list[tuple[str, int]]]:
    """Counts by value, the most frequent first; `total` stands under the empty value."""
    meant = _meant(workspace_id, query)
    total = await session.scalar(select(func.count(Entry.id)).where(*meant)) or 0
    counted = {"total": [("", total)]}
    plain: dict[str, InstrumentedAttribute[Any]] = {
        "status": Entry.status,
        "dictionary": Entry.dictionary_id,
    }
    for name, column in plain.items():
        counted[name] = await _counts(session, select(column, func.count()).where(*meant))
    lists = {"subject_field": Entry.subject_fields, "language": Entry.languages}
    for name, column in lists.items():
        value = func.jsonb_array_elements_text(column).table_valued("value").lateral()
        statement = select(value.c.value, func.count(Entry.id.distinct())).select_from(Entry)
        counted[name] = await _counts(session, statement.join(value, text("true")).where(*meant))
    return counted


async def terms_beginning(
    session: AsyncSession,
    workspace_id: UUID,
    dictionary_ids: Sequence[UUID],
    beginning: str,
    most: int,
) -> Sequence[str]:
    """Terms that begin so, of entries that are no drafts; not the forbidden ones."""
    statement = (
        select(Term.text)
        .join(Entry, Entry.id == Term.entry_id)
        .where(
            *in_force(workspace_id),
            Entry.status != "draft",
            Term.workspace_id == workspace_id,
            Term.dictionary_id.in_(dictionary_ids),
            Term.status != "forbidden",
            _begins(beginning),
        )
        .order_by(Term.bare, Term.id)
        .limit(most)
    )
    return (await session.scalars(statement)).all()


async def revisions(
    session: AsyncSession,
    workspace_id: UUID,
    entry_id: UUID,
    query: RevisionQuery,
    cursors: Cursors,
) -> Slice[Revision]:
    """An entry's history, newest first."""
    return await fetch_page(
        session,
        select(Revision).where(
            Revision.workspace_id == workspace_id, Revision.entry_id == entry_id
        ),
        Keyset(Revision.version, Revision.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(entry_id),
    )


async def revision(
    session: AsyncSession, workspace_id: UUID, entry_id: UUID, version: int
) -> Revision | None:
    statement = select(Revision).where(
        Revision.workspace_id == workspace_id,
        Revision.entry_id == entry_id,
        Revision.version == version,
    )
    return (await session.scalars(statement)).one_or_none()


async def _counts(session: AsyncSession, statement: Select[Any]) -> list[tuple[str, int]]:
    value, count = statement.selected_columns
    ordered = statement.group_by(value).order_by(count.desc(), value).limit(MOST_VALUES)
    return [(str(name), number) for name, number in await session.execute(ordered)]


def _meant(workspace_id: UUID, query: EntryFilter) -> list[ColumnElement[bool]]:
    deleted = Entry.deleted_at.is_not(None) if query.deleted else Entry.deleted_at.is_(None)
    conditions = [Entry.workspace_id == workspace_id, in_living_dictionary(), deleted]
    exact = {"dictionary_id": Entry.dictionary_id, "status": Entry.status}
    exact["external_id"] = Entry.external_id
    for name, column in exact.items():
        if (value := getattr(query, name)) is not None:
            conditions.append(column == value)
    if query.updated_since:
        conditions.append(Entry.updated_at >= query.updated_since)
    if query.q:
        conditions.append(mentions(query.q, Entry.words.expression, Entry.lexemes.expression))
    if query.subject_field:
        field = func.jsonb_array_elements_text(Entry.subject_fields).column_valued("field")
        wanted = func.lower(field) == query.subject_field.lower()
        conditions.append(select(field).where(wanted).exists())
    return [*conditions, *_by_terms(workspace_id, query)]


def _by_terms(workspace_id: UUID, query: EntryFilter) -> list[ColumnElement[bool]]:
    """One term must meet all that is asked of terms."""
    wanted: list[ColumnElement[bool]] = []
    if query.term:
        wanted.append(_begins(query.term))
    if query.term_exact:
        wanted.append(Term.folded == texts.fold(query.term_exact))
    if not wanted and query.language:
        language = func.jsonb_array_elements_text(Entry.languages).column_valued("language")
        return [select(language).where(_is_variety(language, query.language)).exists()]
    if not wanted:
        return []
    if query.language:
        wanted.append(_is_variety(Term.language, query.language))
    found = select(Term.entry_id).where(Term.workspace_id == workspace_id, *wanted)
    # Looked up once, whatever the planner thinks of tables that were filled a moment ago.
    return [Entry.id == func.any(func.array(found.scalar_subquery()))]


def _begins(beginning: str) -> ColumnElement[bool]:
    """How a term begins, whatever its accents."""
    bare = unaccented(texts.fold(beginning))
    # Not `like`, for which row-level security lets no index be used.
    return and_(Term.bare.bool_op("~>=~")(bare), Term.bare.bool_op("~<~")(bare + chr(0x10FFFF)))


def _is_variety(column: Any, language: str) -> ColumnElement[bool]:
    """Whether a language is this one, or a variety of it."""
    return or_(column == language, column.startswith(f"{language}-", autoescape=True))
