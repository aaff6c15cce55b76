"""Imports, their files and their rows in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.ids import new_id
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.knowledge.exchange.errors import ImportUnderWay
from app.knowledge.exchange.models import DictionaryImport, ImportPart, ImportRow
from app.knowledge.exchange.schemas import ImportQuery

_DOUBLES = text("""
    update dictionary_import_rows r
    set status = 'refused', reason = 'is called as another one before it: ' || left(r.key, 200)
    from (
        select id, row_number() over (partition by key order by position) as by_key,
            case when external_id is null then 1 else
                row_number() over (partition by external_id order by position) end as by_external
        from dictionary_import_rows
        where import_id = :import_id and status = 'pending'
    ) as counted
    where counted.id = r.id and r.workspace_id = :workspace_id
        and (counted.by_key > 1 or counted.by_external > 1)
    returning r.id
""")


async def add(session: AsyncSession, started: DictionaryImport) -> None:
    """Raises ImportUnderWay."""
    session.add(started)
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_dictionary_imports_dictionary_id" not in str(error.orig):
            raise
        raise ImportUnderWay("Wait for its end, or cancel its run.") from None


async def add_part(
    session: AsyncSession, started: DictionaryImport, position: int, content: bytes
) -> None:
    await session.execute(
        insert(ImportPart).values(
            id=new_id(),
            workspace_id=started.workspace_id,
            import_id=started.id,
            position=position,
            content=content,
        )
    )


async def part(
    session: AsyncSession, workspace_id: UUID, import_id: UUID, position: int
) -> bytes | None:
    statement = select(ImportPart.content).where(
        ImportPart.workspace_id == workspace_id,
        ImportPart.import_id == import_id,
        ImportPart.position == position,
    )
    return await session.scalar(statement)


async def get(
    session: AsyncSession, workspace_id: UUID, import_id: UUID, *, for_update: bool = False
) -> DictionaryImport | None:
    statement = select(DictionaryImport).where(
        DictionaryImport.workspace_id == workspace_id, DictionaryImport.id == import_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession, workspace_id: UUID, query: ImportQuery, cursors: Cursors
) -> Slice[DictionaryImport]:
    statement = select(DictionaryImport).where(DictionaryImport.workspace_id == workspace_id)
    if query.dictionary_id is not None:
        statement = statement.where(DictionaryImport.dictionary_id == query.dictionary_id)
    keyset = Keyset(DictionaryImport.created_at, DictionaryImport.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def rejects(
    session: AsyncSession, workspace_id: UUID, import_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ImportRow]:
    """In the order of the file."""
    statement = select(ImportRow).where(
        ImportRow.workspace_id == workspace_id,
        ImportRow.import_id == import_id,
        ImportRow.status == "refused",
    )
    return await fetch_page(
        session,
        statement,
        Keyset(ImportRow.position, ImportRow.id, descending=False),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(import_id),
    )


async def add_rows(
    session: AsyncSession, started: DictionaryImport, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Rows that are there already stay as they are."""
    moment = now()
    same = {
        "workspace_id": started.workspace_id,
        "import_id": started.id,
        "made": False,
        "created_at": moment,
        "updated_at": moment,
    }
    values = [{"id": new_id(), **same, **row} for row in rows]
    if not values:
        return
    statement = insert(ImportRow).on_conflict_do_nothing(index_elements=["import_id", "position"])
    await session.execute(statement, values)


async def refuse_doubles(session: AsyncSession, started: DictionaryImport) -> None:
    """Refuse rows whose names another row has that comes before them."""
    values = {"import_id": started.id, "workspace_id": started.workspace_id}
    await session.execute(_DOUBLES, values)


async def count_rows(session: AsyncSession, started: DictionaryImport) -> Mapping[str, int]:
    statement = (
        select(ImportRow.status, func.count())
        .where(ImportRow.workspace_id == started.workspace_id, ImportRow.import_id == started.id)
        .group_by(ImportRow.status)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def next_rows(
    session: AsyncSession, started: DictionaryImport, status: str, limit: int
) -> Sequence[ImportRow]:
    statement = select(ImportRow).where(
        ImportRow.workspace_id == started.workspace_id,
        ImportRow.import_id == started.id,
        ImportRow.status == status,
    )
    return (await session.scalars(statement.order_by(ImportRow.position).limit(limit))).all()


async def rows_called(
    session: AsyncSession, started: DictionaryImport, keys: Collection[str]
) -> Mapping[str, ImportRow]:
    """The rows of an import that the file calls so, or by such an external id."""
    statement = select(ImportRow).where(
        ImportRow.workspace_id == started.workspace_id, ImportRow.import_id == started.id
    )
    found: dict[str, ImportRow] = {}
    for column in (ImportRow.external_id, ImportRow.key):
        for row in await session.scalars(statement.where(column.in_(keys))):
            name = row.key if column is ImportRow.key else row.external_id
            if name is not None and (row.status != "refused" or name not in found):
                found[name] = row
    return found


async def drop_rows(session: AsyncSession, started: DictionaryImport, *, all_of_them: bool) -> None:
    """Drop the file, and its rows but for the refused ones."""
    await session.execute(
        delete(ImportPart).where(
            ImportPart.workspace_id == started.workspace_id, ImportPart.import_id == started.id
        )
    )
    statement = delete(ImportRow).where(
        ImportRow.workspace_id == started.workspace_id, ImportRow.import_id == started.id
    )
    if not all_of_them:
        statement = statement.where(ImportRow.status != "refused")
    await session.execute(statement.execution_options(synchronize_session=False))
    await session.execute(
        update(ImportRow)
        .where(ImportRow.workspace_id == started.workspace_id, ImportRow.import_id == started.id)
        .values(concept=None)
        .execution_options(synchronize_session=False)
    )


async def is_touched(session: AsyncSession, started: DictionaryImport, entry_id: UUID) -> bool:
    """Whether a row of this import is about an entry already."""
    statement = select(ImportRow.id).where(
        ImportRow.workspace_id == started.workspace_id,
        ImportRow.import_id == started.id,
        ImportRow.entry_id == entry_id,
    )
    return await session.scalar(statement.limit(1)) is not None
