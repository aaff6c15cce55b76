"""What the members of a workspace put into collections."""

from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.versions import match
from app.knowledge.collections import document_crud as crud
from app.knowledge.collections import documents
from app.knowledge.collections import service as collections
from app.knowledge.collections.errors import (
    DocumentExists,
    TooManyDocuments,
    TooManyVersions,
    VersionNotFound,
)
from app.knowledge.collections.models import Collection, Document, DocumentVersion
from app.knowledge.ingestion.fetching import name_of
from app.knowledge.ingestion.naming import UNKNOWN, original_key, parsed_key
from app.knowledge.ingestion.schemas import DocumentImport
from app.knowledge.ingestion.starting import Starter

MOST_DOCUMENTS: Final = 20_000
MOST_VERSIONS: Final = 100
OnDuplicate = Literal["error", "skip", "version"]


@dataclass(frozen=True, slots=True)
class File:
    """A file in the store, or (without size and hash) one that is still to be fetched."""

    version_id: UUID
    name: str
    media_type: str
    size: int | None = None
    sha256: str | None = None


async def add(
    session: AsyncSession,
    access: Access,
    starter: Starter,
    collection_id: UUID,
    file: File,
    on_duplicate: OnDuplicate,
) -> tuple[Document, bool]:
    """Take a file in as a document, or as a version of one; False where it was there already.

    Raises CollectionNotFound, CollectionReadOnly, DocumentExists, TooManyDocuments and
    TooManyVersions.
    """
    collection = await collections.get(session, access, collection_id, to="write")
    if on_duplicate == "version":
        await crud.lock_content(session, collection.id, file.name)
        same = await crud.with_name(session, access.workspace_id, collection.id, file.name)
        if same is not None and same.sha256 == file.sha256 and same.status != "failed":
            return same, False
        if same is not None:
            await _add_version(session, access, starter, same, file)
            return same, True
    known = await _known(session, access, collection, file)
    if known is not None and on_duplicate == "skip":
        return known, False
    if known is not None and on_duplicate == "error":
        raise DocumentExists(known.id)
    return await _create(session, access, starter, collection, file), True


async def fetch(
    session: AsyncSession,
    access: Access,
    starter: Starter,
    collection_id: UUID,
    new: DocumentImport,
    on_duplicate: OnDuplicate,
) -> Document:
    """Have an address fetched and taken in; raises what `add` does."""
    collection = await collections.get(session, access, collection_id, to="write")
    file = File(new_id(), new.name or name_of(new.url), UNKNOWN)
    more = {"url": new.url, "on_duplicate": on_duplicate}
    if on_duplicate == "version":
        await crud.lock_content(session, collection.id, file.name)
        same = await crud.with_name(session, access.workspace_id, collection.id, file.name)
        if same is not None:
            same.source_url = new.url
            await _add_version(session, access, starter, same, file, **more)
            return same
    document = await _create(session, access, starter, collection, file, **more)
    document.source_url, document.labels = new.url, new.metadata
    return await _read_again(session, document)


async def add_version(
    session: AsyncSession, access: Access, starter: Starter, document_id: UUID, file: File
) -> Document:
    """Take a file in as the next version of a document; raises TooManyVersions."""
    document = await documents.get(session, access, document_id, to="write", for_update=True)
    await _add_version(session, access, starter, document, file)
    return document


async def restore_version(
    session: AsyncSession, access: Access, starter: Starter, document_id: UUID, number: int
) -> Document:
    """Have an earlier version found again; raises VersionNotFound."""
    document = await documents.get(session, access, document_id, to="write", for_update=True)
    if await crud.version(session, access.workspace_id, document.id, number) is None:
        raise VersionNotFound
    await starter.ingest(session, document, number)
    return await _read_again(session, document)


async def ingest(
    session: AsyncSession, access: Access, starter: Starter, document_id: UUID
) -> Document:
    """Take the wanted version in once more: the newest one, where the last run failed."""
    document = await documents.get(session, access, document_id, to="write", for_update=True)
    newest = await crud.last_number(session, access.workspace_id, document.id)
    version = await crud.version(session, access.workspace_id, document.id, newest)
    failed = version is not None and version.status == "failed"
    more = {}
    if version is not None and version.size is None and document.source_url is not None:
        more = {"url": document.source_url}
    number = newest if failed or more else document.wanted_version
    await starter.ingest(session, document, number, **more)
    return await _read_again(session, document)


async def restore(
    session: AsyncSession, access: Access, starter: Starter, document_id: UUID
) -> Document:
    """Bring a deleted document back; a living one stays as it is. Raises RestoreExpired."""
    document = await documents.get(
        session, access, document_id, to="write", for_update=True, deleted=True
    )
    await match(session, document)
    restorable.expect_restorable(document)
    if document.deleted_at is not None:
        await _expect_room(session, access, document.collection_id)
        await revive(session, starter, document)
    return await _read_again(session, document)


async def revive(session: AsyncSession, starter: Starter, document: Document) -> None:
    """Undo a soft deletion: its passages are put again from what was read of it."""
    number = document.current_version or document.wanted_version
    document.deleted_at = document.current_version = None
    more = {"url": document.source_url} if document.size is None and document.source_url else {}
    await starter.ingest(session, document, number, **more)


async def _known(
    session: AsyncSession, access: Access, collection: Collection, file: File
) -> Document | None:
    """The document with this content; whoever adds the same meanwhile waits for this one."""
    if file.sha256 is None:
        return None
    await crud.lock_content(session, collection.id, file.sha256)
    return await crud.with_content(session, access.workspace_id, collection.id, file.sha256)


async def _create(
    session: AsyncSession,
    access: Access,
    starter: Starter,
    collection: Collection,
    file: File,
    **more: str,
) -> Document:
    await _expect_room(session, access, collection.id)
    document = Document(
        id=new_id(),
        workspace_id=access.workspace_id,
        collection_id=collection.id,
        created_by_id=access.user_id,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        status="queued",
        wanted_version=1,
        labels={},
    )
    await crud.add(session, document, _version(access, document, 1, file))
    await starter.ingest(session, document, 1, **more)
    return await _read_again(session, document)


async def _add_version(
    session: AsyncSession,
    access: Access,
    starter: Starter,
    document: Document,
    file: File,
    **more: str,
) -> None:
    if await crud.count_versions(session, access.workspace_id, document.id) >= MOST_VERSIONS:
        raise TooManyVersions(f"A document has at most {MOST_VERSIONS}.")
    number = await crud.last_number(session, access.workspace_id, document.id) + 1
    await crud.add(session, _version(access, document, number, file))
    if file.sha256 is not None:
        document.size, document.sha256 = file.size, file.sha256
        document.media_type = file.media_type
    await starter.ingest(session, document, number, **more)
    await _read_again(session, document)


def _version(access: Access, document: Document, number: int, file: File) -> DocumentVersion:
    return DocumentVersion(
        id=file.version_id,
        workspace_id=access.workspace_id,
        document_id=document.id,
        number=number,
        created_by_id=access.user_id,
        status="queued",
        file_key=original_key(access.workspace_id, file.version_id),
        parsed_key=parsed_key(access.workspace_id, file.version_id),
        parsed=False,
        file_name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        title="",
        warnings=[],
    )


async def _expect_room(session: AsyncSession, access: Access, collection_id: UUID) -> None:
    if await crud.count(session, access.workspace_id, collection_id) >= MOST_DOCUMENTS:
        raise TooManyDocuments(f"A collection has at most {MOST_DOCUMENTS}; make another.")


async def _read_again(session: AsyncSession, document: Document) -> Document:
    await session.flush()
    await session.refresh(document)
    return document
