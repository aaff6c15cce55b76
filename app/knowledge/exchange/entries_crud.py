"""Entries of the termbase in Postgres, as exchange looks for them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.dictionary.models import Entry, Term
from app.knowledge.exchange.models import DictionaryImport, ImportRow


async def by_ids(
    session: AsyncSession, workspace_id: UUID, ids: Iterable[UUID]
) -> Mapping[UUID, Entry]:
    """Deleted ones included."""
    statement = select(Entry).where(Entry.workspace_id == workspace_id, Entry.id.in_(list(ids)))
    return {entry.id: entry for entry in await session.scalars(statement)}


async def lock(session: AsyncSession, workspace_id: UUID, ids: Iterable[UUID]) -> None:
    """Read them as they are now, and have nobody change them until the transaction ends.

    In one order, so that no two who lock several wait for each other.
    """
    statement = (
        select(Entry)
        .where(Entry.workspace_id == workspace_id, Entry.id.in_(list(ids)))
        .order_by(Entry.id)
        .with_for_update(key_share=True)
    )
    (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def by_external_ids(
    session: AsyncSession, workspace_id: UUID, dictionary_id: UUID, names: Collection[str]
) -> Mapping[str, UUID]:
    """The living entries of a dictionary by these external ids."""
    statement = select(Entry.external_id, Entry.id).where(
        *_living(workspace_id, dictionary_id), Entry.external_id.in_(names)
    )
    found = await session.execute(statement)
    return {name: entry_id for name, entry_id in found if name is not None}


async def with_terms(
    session: AsyncSession,
    started: DictionaryImport,
    terms: Collection[tuple[str, str]],
    *,
    preferred: bool,
) -> Sequence[Entry]:
    """Living entries that this import has not touched, with one of these terms.

    Of these the ones that share the most of them.
    """
    shared = func.count().label("shared")
    statement = (
        select(Term.entry_id, shared)
        .join(Entry, Entry.id == Term.entry_id)
        .where(
            # The index is by folded text; by pairs alone it would not be used.
            Term.workspace_id == started.workspace_id,
            Term.folded.in_({folded for _, folded in terms}),
            tuple_(Term.language, Term.folded).in_(list(terms)),
            *((Term.status == "preferred",) if preferred else ()),
            *_living(started.workspace_id, started.dictionary_id),
            ~_touched(started),
        )
        .group_by(Term.entry_id)
        .order_by(shared.desc())
        .limit(20)
    )
    found = (await session.execute(statement)).all()
    best = [entry_id for entry_id, count in found if count == found[0][1]]
    return list((await by_ids(session, started.workspace_id, best)).values())


async def untouched(session: AsyncSession, started: DictionaryImport, limit: int) -> Sequence[UUID]:
    """Living entries of the dictionary that no row of the import is about."""
    statement = (
        select(Entry.id)
        .where(*_living(started.workspace_id, started.dictionary_id), ~_touched(started))
        .order_by(Entry.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def delete_unrelated(session: AsyncSession, started: DictionaryImport) -> None:
    """Delete for good what an import has made and not related, unless somebody has changed it.

    There may be very many: so in one statement, and a trigger has their passages go.
    """
    made = select(ImportRow.entry_id).where(
        ImportRow.workspace_id == started.workspace_id,
        ImportRow.import_id == started.id,
        ImportRow.status == "waiting",
        ImportRow.made,
    )
    await session.execute(
        delete(Entry)
        .where(Entry.workspace_id == started.workspace_id, Entry.id.in_(made), Entry.version == 1)
        .execution_options(synchronize_session=False)
    )


async def exported(
    session: AsyncSession,
    workspace_id: UUID,
    dictionary_id: UUID,
    ids: Iterable[UUID],
    statuses: Sequence[str] | None,
) -> set[str]:
    """Those of these entries that an export of the dictionary has."""
    statement = select(Entry.id).where(
        *_living(workspace_id, dictionary_id), Entry.id.in_(list(ids))
    )
    if statuses is not None:
        statement = statement.where(Entry.status.in_(statuses))
    return {str(found) for found in await session.scalars(statement)}


def _living(workspace_id: UUID, dictionary_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return (
        Entry.workspace_id == workspace_id,
        Entry.dictionary_id == dictionary_id,
        Entry.deleted_at.is_(None),
    )


def _touched(started: DictionaryImport) -> ColumnElement[bool]:
    """That a row of the import is about the entry. By index: a list of all rows would be long."""
    return exists().where(ImportRow.import_id == started.id, ImportRow.entry_id == Entry.id)
