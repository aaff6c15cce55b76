"""What the members of a workspace do with documents that are there."""

from collections.abc import Callable
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.knowledge.collections import document_crud as crud
from app.knowledge.collections import service as collections
from app.knowledge.collections.crud import KIND
from app.knowledge.collections.document_schemas import ChunkRead, DocumentQuery, DocumentUpdate
from app.knowledge.collections.errors import (
    CollectionNotFound,
    ContentMissing,
    DocumentNotFound,
    DocumentNotReady,
    VersionNotFound,
)
from app.knowledge.collections.models import Document, DocumentVersion
from app.knowledge.collections.service import To
from app.knowledge.passages import service as passages
from app.knowledge.passages.models import Passage
from app.runs.runs import service as runs

UNFINISHED = ("queued", "processing")


async def get(
    session: AsyncSession,
    access: Access,
    document_id: UUID,
    *,
    to: To = "read",
    for_update: bool = False,
    deleted: bool = False,
) -> Document:
    """A document of a collection that the caller sees; `deleted` finds deleted ones, too.

    Raises DocumentNotFound, and CollectionReadOnly.
    """
    document = await restorable.find(
        session, Document, access.workspace_id, document_id, for_update=for_update
    )
    if document is None or (document.deleted_at is not None and not deleted):
        raise DocumentNotFound
    try:
        await collections.get(session, access, document.collection_id, to=to)
    except CollectionNotFound:
        raise DocumentNotFound from None
    return document


async def page(
    session: AsyncSession,
    access: Access,
    collection_id: UUID,
    query: DocumentQuery,
    cursors: Cursors,
) -> Slice[Document]:
    """Raises CollectionNotFound."""
    await collections.get(session, access, collection_id)
    return await crud.page(session, access.workspace_id, collection_id, query, cursors)


async def update(
    session: AsyncSession, access: Access, document_id: UUID, change: DocumentUpdate
) -> Document:
    document = await get(session, access, document_id, to="write", for_update=True)
    await match(session, document)
    given = change.model_fields_set
    if "name" in given and change.name is not None and change.name != document.name:
        document.name = change.name
        await _retitle(session, document)
    if "metadata" in given:
        document.labels = change.metadata or {}
    await session.flush()
    await session.refresh(document)
    return document


async def _retitle(session: AsyncSession, document: Document) -> None:
    """Have it found by its new name, unless the file itself has a title."""
    number = document.current_version
    if number is None:
        return
    found = await crud.version(session, document.workspace_id, document.id, number)
    if found is not None and not found.title:
        await passages.retitle(session, document.workspace_id, KIND, document.id, document.name)
        await crud.unkeep(session, document.workspace_id, document.id)


async def delete(
    session: AsyncSession,
    access: Access,
    document_id: UUID,
    cancelled: Callable[[UUID], None],
) -> None:
    """Soft: it is found no more, and can be restored for 30 days.

    A run that takes it in is to be cancelled; `cancelled` is told which.
    """
    document = await get(session, access, document_id, to="write", for_update=True)
    await match(session, document)
    await forget(session, document, cancelled)


async def forget(
    session: AsyncSession, document: Document, cancelled: Callable[[UUID], None]
) -> None:
    """Delete a document softly, whoever wants it."""
    document.deleted_at = now()
    await session.flush()
    await passages.remove(session, document.workspace_id, KIND, document.id)
    if document.run_id is not None and document.status in UNFINISHED:
        await runs.request_cancel_idle(session, document.workspace_id, document.run_id)
        cancelled(document.run_id)


async def version(
    session: AsyncSession, access: Access, document_id: UUID, number: int | None = None
) -> DocumentVersion:
    """A version of a document, by default the one that is found, else the one that is wanted.

    Raises DocumentNotFound and VersionNotFound.
    """
    document = await get(session, access, document_id)
    wanted = number or document.current_version or document.wanted_version
    found = await crud.version(session, access.workspace_id, document.id, wanted)
    if found is None:
        raise VersionNotFound
    return found


async def original(
    session: AsyncSession, access: Access, document_id: UUID, number: int | None
) -> DocumentVersion:
    """The version whose file there is; raises ContentMissing besides."""
    found = await version(session, access, document_id, number)
    if found.size is None:
        raise ContentMissing("The address has not been fetched.")
    return found


async def read(
    session: AsyncSession, access: Access, document_id: UUID, number: int | None
) -> DocumentVersion:
    """The version whose text there is; raises DocumentNotReady besides."""
    found = await version(session, access, document_id, number)
    if not found.parsed:
        raise DocumentNotReady("Its text is there once its run has read it.")
    return found


async def versions(
    session: AsyncSession, access: Access, document_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[DocumentVersion]:
    document = await get(session, access, document_id)
    return await crud.versions(session, access.workspace_id, document.id, query, cursors)


async def chunks(
    session: AsyncSession, access: Access, document_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ChunkRead]:
    document = await get(session, access, document_id)
    found = await crud.passages(session, access.workspace_id, document.id, query, cursors)
    return found.map(_chunk)


def _chunk(passage: Passage) -> ChunkRead:
    return ChunkRead(
        id=passage.id,
        ordinal=passage.ordinal,
        heading=passage.heading,
        page=passage.locator.get("page"),
        start=passage.locator["start"],
        end=passage.locator["end"],
        text=passage.text,
        embedded=passage.space is not None and passage.due_at is None,
    )
