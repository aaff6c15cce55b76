"""Documents, their versions and their passages in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, cast, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.knowledge.collections.crud import KIND, visible
from app.knowledge.collections.document_schemas import DocumentQuery
from app.knowledge.collections.models import (
    Collection,
    Document,
    DocumentVersion,
    ReindexedPassage,
)
from app.knowledge.passages.models import Passage


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    collection_id: UUID,
    query: DocumentQuery,
    cursors: Cursors,
) -> Slice[Document]:
    """Newest first."""
    statement = select(Document).where(
        Document.workspace_id == workspace_id,
        Document.collection_id == collection_id,
        restorable.listed(Document, query),
    )
    if query.status is not None:
        statement = statement.where(Document.status == query.status)
    if query.name is not None:
        statement = statement.where(Document.name.icontains(query.name, autoescape=True))
    return await fetch_page(
        session,
        statement,
        Keyset(Document.created_at, Document.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(collection_id),
    )


async def visible_of(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, document_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of some documents that live in living collections that a member sees."""
    statement = (
        restorable.living(Document, workspace_id)
        .with_only_columns(Document.id)
        .join(Collection, Collection.id == Document.collection_id)
        .where(
            Document.id.in_(document_ids),
            Collection.deleted_at.is_(None),
            visible(workspace_id, user_id),
        )
    )
    return set((await session.scalars(statement)).all())


async def lock_content(session: AsyncSession, collection_id: UUID, name: str) -> None:
    """Let one transaction at a time look for, and add, this content or name in a collection."""
    number = func.hashtextextended(f"{collection_id}/{name}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(cast(number, BigInteger))))


async def with_content(
    session: AsyncSession, workspace_id: UUID, collection_id: UUID, sha256: str
) -> Document | None:
    """The oldest living document with this content; failed ones do not count."""
    statement = (
        restorable.living(Document, workspace_id)
        .where(
            Document.collection_id == collection_id,
            Document.sha256 == sha256,
            Document.status != "failed",
        )
        .order_by(Document.id)
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


async def with_name(
    session: AsyncSession, workspace_id: UUID, collection_id: UUID, name: str
) -> Document | None:
    """The newest living document with this name, held until the transaction ends."""
    statement = (
        restorable.living(Document, workspace_id)
        .where(Document.collection_id == collection_id, Document.name == name)
        .order_by(Document.id.desc())
        .limit(1)
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


async def count(session: AsyncSession, workspace_id: UUID, collection_id: UUID) -> int:
    statement = (
        restorable.living(Document, workspace_id)
        .with_only_columns(func.count())
        .where(Document.collection_id == collection_id)
    )
    return await session.scalar(statement) or 0


async def living(
    session: AsyncSession, workspace_id: UUID, collection_id: UUID, after: UUID | None, most: int
) -> Sequence[Document]:
    """The living documents of a collection by their ids, those behind one of them."""
    statement = (
        restorable.living(Document, workspace_id)
        .where(Document.collection_id == collection_id)
        .order_by(Document.id)
        .limit(most)
    )
    if after is not None:
        statement = statement.where(Document.id > after)
    return (await session.scalars(statement)).all()


async def version(
    session: AsyncSession, workspace_id: UUID, document_id: UUID, number: int
) -> DocumentVersion | None:
    statement = select(DocumentVersion).where(
        DocumentVersion.workspace_id == workspace_id,
        DocumentVersion.document_id == document_id,
        DocumentVersion.number == number,
    )
    return (await session.scalars(statement)).one_or_none()


async def last_number(session: AsyncSession, workspace_id: UUID, document_id: UUID) -> int:
    """The number of the newest version; 0 before the first."""
    statement = select(func.max(DocumentVersion.number)).where(
        DocumentVersion.workspace_id == workspace_id, DocumentVersion.document_id == document_id
    )
    return await session.scalar(statement) or 0


async def count_versions(session: AsyncSession, workspace_id: UUID, document_id: UUID) -> int:
    statement = select(func.count()).where(
        DocumentVersion.workspace_id == workspace_id, DocumentVersion.document_id == document_id
    )
    return await session.scalar(statement) or 0


async def versions(
    session: AsyncSession,
    workspace_id: UUID,
    document_id: UUID,
    query: PageQuery,
    cursors: Cursors,
) -> Slice[DocumentVersion]:
    """Newest first."""
    return await fetch_page(
        session,
        select(DocumentVersion).where(
            DocumentVersion.workspace_id == workspace_id,
            DocumentVersion.document_id == document_id,
        ),
        Keyset(DocumentVersion.number, DocumentVersion.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(document_id),
    )


async def passages(
    session: AsyncSession,
    workspace_id: UUID,
    document_id: UUID,
    query: PageQuery,
    cursors: Cursors,
) -> Slice[Passage]:
    """In reading order."""
    return await fetch_page(
        session,
        select(Passage).where(
            Passage.workspace_id == workspace_id,
            Passage.kind == KIND,
            Passage.subject_id == document_id,
        ),
        Keyset(Passage.ordinal, Passage.id, descending=False),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(document_id),
    )


async def unkeep(session: AsyncSession, workspace_id: UUID, document_id: UUID) -> None:
    """Vectors that a run has made beside those of a document are of what it no longer says."""
    theirs = select(Passage.id).where(
        Passage.workspace_id == workspace_id,
        Passage.kind == KIND,
        Passage.subject_id == document_id,
    )
    await session.execute(
        update(ReindexedPassage)
        .where(ReindexedPassage.passage_id.in_(theirs))
        .values(kept=False)
        .execution_options(synchronize_session=False)
    )


async def add(session: AsyncSession, *rows: Document | DocumentVersion) -> None:
    """In this order: what refers to another comes after it."""
    for row in rows:
        session.add(row)
        await session.flush()


async def fail_unfinished(
    session: AsyncSession, workspace_id: UUID, run_id: UUID, error: dict[str, Any]
) -> None:
    """What a run has begun and not ended stays undone."""
    await session.execute(
        update(Document)
        .where(
            Document.workspace_id == workspace_id,
            Document.run_id == run_id,
            Document.status == "processing",
        )
        .values(status="failed", error=error)
        .execution_options(synchronize_session=False)
    )


async def delete_expired(session: AsyncSession, before: datetime, most: int) -> int:
    """Delete documents for good that were, or whose collections were, deleted before; under SYSTEM.

    So none is left for a collection's own end to take along, all in one statement.
    """
    ended = select(Collection.id).where(Collection.deleted_at < before)
    expired = (
        select(Document.id)
        .where(or_(Document.deleted_at < before, Document.collection_id.in_(ended)))
        .limit(most)
    )
    gone = await session.scalars(
        delete(Document).where(Document.id.in_(expired)).returning(Document.id)
    )
    return len(gone.all())
