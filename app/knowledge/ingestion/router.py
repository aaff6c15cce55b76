"""Taking documents in: uploads, addresses, versions."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Response

from app.core.bulk import BulkResult, each
from app.core.db import on_commit
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.net import AddressRefused
from app.knowledge.collections import documents
from app.knowledge.collections.document_schemas import DocumentBulk, DocumentBulkItem, DocumentRead
from app.knowledge.collections.errors import (
    CollectionNotFound,
    CollectionReadOnly,
    DocumentExists,
    DocumentNotFound,
    TooManyDocuments,
    TooManyVersions,
    VersionNotFound,
)
from app.knowledge.collections.models import Document
from app.knowledge.ingestion import service
from app.knowledge.ingestion.edge import StarterDep, Writer
from app.knowledge.ingestion.errors import UploadInvalid, UploadTooLarge
from app.knowledge.ingestion.schemas import (
    DocumentImport,
)
from app.knowledge.ingestion.service import File
from app.knowledge.ingestion.uploading import (
    NewDocument,
    NewVersion,
    OnDuplicateQuery,
    Upload,
)
from app.knowledge.parsing.errors import DocumentEmpty
from app.knowledge.storage.errors import FilesUnavailable

VersionNumber = Annotated[int, Path(ge=1, le=100_000)]

of_collection = guarded_router(prefix="/v1/collections/{collection_id}", tag="documents")
router = guarded_router(prefix="/v1/documents", tag="documents")

FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {}},
            "multipart/form-data": {"schema": {}},
        },
    }
}


@of_collection.post(
    "/documents",
    operation_id="documents_upload",
    summary="Upload a document",
    description=(
        "The body is the file (its name in the query), or a form with a part `file`. The run that "
        "reads it is in `X-Run-Id`; once it has read it the document is found by its words, and "
        "then by its meaning."
    ),
    status_code=202,
    response_model=DocumentRead,
    responses=problems(
        CollectionNotFound,
        CollectionReadOnly,
        DocumentExists,
        DocumentEmpty,
        TooManyDocuments,
        TooManyVersions,
        UploadInvalid,
        UploadTooLarge,
        FilesUnavailable,
    ),
    openapi_extra=FILE_BODY,
)
async def upload_document(
    collection_id: UUID,
    access: Writer,
    upload: NewDocument,
    session: Session,
    starter: StarterDep,
    response: Response,
) -> Document:
    document, is_new = await service.add(
        session, access, starter, collection_id, _file(upload), upload.on_duplicate
    )
    if is_new:
        await upload.keep(session, access.workspace_id)
    else:
        response.status_code = 200
    return _answered(document, response)


@of_collection.post(
    "/documents/import",
    operation_id="documents_import",
    summary="Take a document in from an address",
    description="Its run fetches it: redirects are followed, private addresses are refused.",
    status_code=202,
    response_model=DocumentRead,
    responses=problems(
        CollectionNotFound, CollectionReadOnly, TooManyDocuments, TooManyVersions, AddressRefused
    ),
)
async def import_document(
    collection_id: UUID,
    access: Writer,
    session: Session,
    kernel: KernelDep,
    starter: StarterDep,
    new: DocumentImport,
    response: Response,
    on_duplicate: OnDuplicateQuery = "error",
) -> Document:
    kernel.outbound.check_url(new.url)
    document = await service.fetch(session, access, starter, collection_id, new, on_duplicate)
    return _answered(document, response)


@router.post(
    "/bulk",
    operation_id="documents_bulk",
    summary="Delete or restore up to 500 documents",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_documents(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    starter: StarterDep,
    request: DocumentBulk,
) -> BulkResult:
    async def act(item: DocumentBulkItem) -> UUID:
        if item.action == "delete":
            await documents.delete(session, access, item.id, starter.cancelled)
        else:
            await service.restore(session, access, starter, item.id)
        return item.id

    on_commit(session, lambda: kernel.nudge("passages"))
    return await each(session, request.items, act)


@router.post(
    "/{document_id}/restore",
    operation_id="documents_restore",
    summary="Bring a deleted document back",
    description="A run has it found again, by what was read of it before.",
    response_model=DocumentRead,
    responses=problems(DocumentNotFound, CollectionReadOnly, TooManyDocuments, RestoreExpired),
)
async def restore_document(
    document_id: UUID, access: Writer, session: Session, starter: StarterDep, response: Response
) -> Document:
    return _answered(await service.restore(session, access, starter, document_id), response)


@router.post(
    "/{document_id}/ingest",
    operation_id="documents_ingest",
    summary="Take a document in once more",
    description="After a failure, say. What was read of it before is not read again.",
    status_code=202,
    response_model=DocumentRead,
    responses=problems(DocumentNotFound, CollectionReadOnly),
)
async def ingest_document(
    document_id: UUID, access: Writer, session: Session, starter: StarterDep, response: Response
) -> Document:
    return _answered(await service.ingest(session, access, starter, document_id), response)


@router.post(
    "/{document_id}/versions",
    operation_id="document_versions_upload",
    summary="Upload the next version of a document",
    description="The version before it is found until this one has been read.",
    status_code=202,
    response_model=DocumentRead,
    responses=problems(
        DocumentNotFound,
        CollectionReadOnly,
        DocumentEmpty,
        TooManyVersions,
        UploadInvalid,
        UploadTooLarge,
        FilesUnavailable,
    ),
    openapi_extra=FILE_BODY,
)
async def upload_version(
    document_id: UUID,
    access: Writer,
    upload: NewVersion,
    session: Session,
    starter: StarterDep,
    response: Response,
) -> Document:
    document = await service.add_version(session, access, starter, document_id, _file(upload))
    await upload.keep(session, access.workspace_id)
    return _answered(document, response)


@router.post(
    "/{document_id}/versions/{number}/restore",
    operation_id="document_versions_restore",
    summary="Have an earlier version of a document found again",
    status_code=202,
    response_model=DocumentRead,
    responses=problems(DocumentNotFound, CollectionReadOnly, VersionNotFound),
)
async def restore_version(
    document_id: UUID,
    number: VersionNumber,
    access: Writer,
    session: Session,
    starter: StarterDep,
    response: Response,
) -> Document:
    document = await service.restore_version(session, access, starter, document_id, number)
    return _answered(document, response)


def _file(upload: Upload) -> File:
    stored = upload.stored
    return File(upload.version_id, upload.name, upload.media_type, stored.size, stored.sha256)


def _answered(document: Document, response: Response) -> Document:
    response.headers["Location"] = f"/v1/documents/{document.id}"
    if document.run_id is not None:
        response.headers["X-Run-Id"] = str(document.run_id)
    return document
