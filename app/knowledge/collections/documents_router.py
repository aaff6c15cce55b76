"""/v1/collections/{collection_id}/documents and /v1/documents: what is there."""

import asyncio
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.collections import documents
from app.knowledge.collections.document_schemas import (
    ChunkQuery,
    ChunkRead,
    DocumentQuery,
    DocumentRead,
    DocumentUpdate,
    DocumentVersionRead,
    VersionQuery,
)
from app.knowledge.collections.errors import (
    CollectionNotFound,
    CollectionReadOnly,
    ContentMissing,
    DocumentNotFound,
    DocumentNotReady,
    VersionNotFound,
)
from app.knowledge.collections.models import Document, DocumentVersion
from app.knowledge.parsing.document import load
from app.knowledge.storage.errors import FileMissing, FilesUnavailable
from app.knowledge.storage.files import Files
from app.runs.runs.bundle import RunsDep

Reader = Annotated[Access, require(Permission.COLLECTIONS_READ)]
Writer = Annotated[Access, require(Permission.COLLECTIONS_WRITE)]
Number = Annotated[
    int | None,
    Query(ge=1, le=100_000, description="Of which version; by default of the one that is found."),
]
VersionNumber = Annotated[int, Path(ge=1, le=100_000)]

of_collection = guarded_router(prefix="/v1/collections/{collection_id}/documents", tag="documents")
router = guarded_router(prefix="/v1/documents", tag="documents")

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file as it was uploaded.",
        "content": {"application/octet-stream": {"schema": {}}},
    }
}
TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The text; chunks name their places in it in Unicode code points.",
        "content": {"text/plain": {"schema": {}}},
    }
}


def files_of(request: Request) -> Files:
    files: Files = request.app.state.files
    return files


FilesDep = Annotated[Files, Depends(files_of)]


@of_collection.get(
    "",
    operation_id="documents_list",
    summary="List the documents of a collection, newest first",
    response_model=Page[DocumentRead],
    responses=problems(CollectionNotFound, CursorInvalid),
)
async def list_documents(
    collection_id: UUID,
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[DocumentQuery, Query()],
) -> object:
    return await documents.page(session, access, collection_id, query, kernel.cursors)


@router.get(
    "/{document_id}",
    operation_id="documents_get",
    summary="Show a document",
    response_model=DocumentRead,
    responses=problems(DocumentNotFound),
)
async def get_document(document_id: UUID, access: Reader, session: Session) -> Document:
    return await documents.get(session, access, document_id)


@router.patch(
    "/{document_id}",
    operation_id="documents_update",
    summary="Change a document's name or metadata",
    response_model=DocumentRead,
    responses=problems(DocumentNotFound, CollectionReadOnly),
)
async def update_document(
    document_id: UUID, access: Writer, session: Session, kernel: KernelDep, change: DocumentUpdate
) -> Document:
    on_commit(session, lambda: kernel.nudge("passages"))
    return await documents.update(session, access, document_id, change)


@router.delete(
    "/{document_id}",
    operation_id="documents_delete",
    summary="Delete a document; it can be restored for 30 days",
    description="It is found no more from then on. After 30 days its files are removed.",
    status_code=204,
    responses=problems(DocumentNotFound, CollectionReadOnly),
)
async def delete_document(
    document_id: UUID, access: Writer, session: Session, kernel: KernelDep, running: RunsDep
) -> None:
    await documents.delete(session, access, document_id, running.canceller(session))
    on_commit(session, lambda: kernel.nudge("passages"))


@router.get(
    "/{document_id}/content",
    operation_id="documents_content",
    summary="Download a document's file",
    response_class=StreamingResponse,
    responses=FILE
    | problems(DocumentNotFound, VersionNotFound, ContentMissing, FileMissing, FilesUnavailable),
)
async def read_content(
    document_id: UUID, access: Reader, kernel: KernelDep, files: FilesDep, number: Number = None
) -> StreamingResponse:
    async with kernel.database.unit(access.scope) as session:
        version = await documents.original(session, access, document_id, number)
    name = quote(version.file_name, safe="", errors="replace")
    # Asked before the answer begins, so that a missing file is a proper problem.
    size = await files.size(version.file_key)
    return StreamingResponse(
        files.read(version.file_key),
        headers={
            "Content-Length": str(size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
        media_type=version.media_type,
    )


@router.get(
    "/{document_id}/text",
    operation_id="documents_text",
    summary="Read the text of a document",
    response_class=Response,
    responses=TEXT
    | problems(DocumentNotFound, VersionNotFound, DocumentNotReady, FileMissing, FilesUnavailable),
)
async def read_text(
    document_id: UUID, access: Reader, kernel: KernelDep, files: FilesDep, number: Number = None
) -> Response:
    async with kernel.database.unit(access.scope) as session:
        version = await documents.read(session, access, document_id, number)
    dumped = b"".join([piece async for piece in files.read(version.parsed_key)])
    return Response(
        (await asyncio.to_thread(load, dumped)).text.encode(errors="replace"),
        media_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


@router.get(
    "/{document_id}/chunks",
    operation_id="documents_chunks",
    summary="List the pieces in which a document is found, in reading order",
    response_model=Page[ChunkRead],
    responses=problems(DocumentNotFound, CursorInvalid),
)
async def list_chunks(
    document_id: UUID,
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[ChunkQuery, Query()],
) -> object:
    return await documents.chunks(session, access, document_id, query, kernel.cursors)


@router.get(
    "/{document_id}/versions",
    operation_id="document_versions_list",
    summary="List the versions of a document, newest first",
    response_model=Page[DocumentVersionRead],
    responses=problems(DocumentNotFound, CursorInvalid),
)
async def list_versions(
    document_id: UUID,
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[VersionQuery, Query()],
) -> object:
    return await documents.versions(session, access, document_id, query, kernel.cursors)


@router.get(
    "/{document_id}/versions/{number}",
    operation_id="document_versions_get",
    summary="Show a version of a document",
    response_model=DocumentVersionRead,
    responses=problems(DocumentNotFound, VersionNotFound),
)
async def get_version(
    document_id: UUID, number: VersionNumber, access: Reader, session: Session
) -> DocumentVersion:
    return await documents.version(session, access, document_id, number)
