"""An upload on its way to the store: piece by piece, and gone again unless it comes to something.

Its key is noted as one to be removed before the first byte is written; whoever makes a version of
it takes the note away in the same transaction. So nothing is left of an upload that was cut off,
refused or only tried, wherever the process died.
"""

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import anyio
from fastapi import Depends, Query, Request
from starlette.datastructures import UploadFile

from app.core.auth import Access
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import FieldError
from app.core.http.guard import OWN_RAILS, KernelDep
from app.core.http.rails import rails_of
from app.core.http.riding import DryRunQuery, KeyHeader, ride_upload
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.knowledge.collections import documents, file_crud
from app.knowledge.collections import service as collections
from app.knowledge.collections.documents_router import FilesDep
from app.knowledge.ingestion.edge import Writer
from app.knowledge.ingestion.errors import UploadInvalid, UploadTooLarge
from app.knowledge.ingestion.naming import file_name, media_type, original_key
from app.knowledge.ingestion.service import OnDuplicate
from app.knowledge.parsing.errors import DocumentEmpty
from app.knowledge.storage.errors import FilesUnavailable, FileTooLarge
from app.knowledge.storage.files import PIECE_BYTES, Files, StoredFile

NameQuery = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        description="The file's name, for a body that is the file itself.",
    ),
]
OnDuplicateQuery = Annotated[
    OnDuplicate,
    Query(
        description=(
            "What is done with content that the collection has already: refuse it, answer with the "
            "document that has it, or (`version`) make it the next version of the newest document "
            "with the same name, where there is one."
        )
    ),
]


@dataclass(slots=True)
class Upload:
    """What was stored of a request; `version_id` is the id of the version to be made of it."""

    version_id: UUID
    name: str
    media_type: str
    stored: StoredFile
    on_duplicate: OnDuplicate = "error"
    kept: bool = False

    @property
    def told(self) -> tuple[str, str, str]:
        """What stands for the body where a repeated request is told from another one."""
        return self.stored.sha256, self.name, self.media_type

    async def keep(self, session: AsyncSession, workspace_id: UUID) -> None:
        """It belongs to a version as soon as this transaction commits."""
        await file_crud.keep(session, workspace_id, self.stored.key)
        on_commit(session, self._note_kept)

    def _note_kept(self) -> None:
        self.kept = True


async def receive_document(
    request: Request,
    access: Writer,
    kernel: KernelDep,
    files: FilesDep,
    collection_id: UUID,
    name: NameQuery = None,
    key: KeyHeader = None,
    dry_run: DryRunQuery = False,
    on_duplicate: OnDuplicateQuery = "error",
) -> AsyncIterator[Upload]:
    """The file of a new document, stored; whether it may come in is asked before it is read."""
    async with kernel.database.unit(access.scope) as session:
        await collections.get(session, access, collection_id, to="write")
    rails_of(request).dry_run = dry_run
    async with _received(request, access, kernel, files, name) as upload:
        upload.on_duplicate = on_duplicate
        await ride_upload(request, access, key, *upload.told)
        yield upload


async def receive_version(
    request: Request,
    access: Writer,
    kernel: KernelDep,
    files: FilesDep,
    document_id: UUID,
    name: NameQuery = None,
    key: KeyHeader = None,
    dry_run: DryRunQuery = False,
) -> AsyncIterator[Upload]:
    """The file of a new version, stored."""
    async with kernel.database.unit(access.scope) as session:
        await documents.get(session, access, document_id, to="write")
    rails_of(request).dry_run = dry_run
    async with _received(request, access, kernel, files, name) as upload:
        await ride_upload(request, access, key, *upload.told)
        yield upload


receive_document.__dict__[OWN_RAILS] = receive_version.__dict__[OWN_RAILS] = True
NewDocument = Annotated[Upload, Depends(receive_document, scope="function")]
NewVersion = Annotated[Upload, Depends(receive_version, scope="function")]


@asynccontextmanager
async def _received(
    request: Request, access: Access, kernel: Kernel, files: Files, name: str | None
) -> AsyncIterator[Upload]:
    version_id = new_id()
    key = original_key(access.workspace_id, version_id)
    async with kernel.database.unit(access.scope) as session:
        await file_crud.expect(session, access.workspace_id, key)
    upload: Upload | None = None
    try:
        async with _file_of(request, name) as (sent_name, sent_type, pieces):
            stored = await _store(files, key, pieces, kernel.settings.max_document_bytes)
        upload = Upload(version_id, sent_name, sent_type, stored)
        yield upload
    finally:
        if upload is None or not upload.kept:
            with anyio.CancelScope(shield=True):
                await _discard(kernel.database, files, access, key)


async def _store(
    files: Files, key: str, pieces: AsyncIterable[bytes], most_bytes: int
) -> StoredFile:
    try:
        stored = await files.put(key, pieces, most_bytes=most_bytes)
    except FileTooLarge:
        raise UploadTooLarge(f"A document has at most {most_bytes} bytes.") from None
    if not stored.size:
        empty = FieldError("/body", DocumentEmpty.code, "is empty")
        raise DocumentEmpty(
            "Send the file as the body, or as the part `file` of a form.", errors=(empty,)
        )
    return stored


async def _discard(database: Database, files: Files, access: Access, key: str) -> None:
    """Remove a file and its note at once; what fails here, the job `documents` does later."""
    with suppress(FilesUnavailable):
        await files.delete(key)
        async with database.unit(access.scope) as session:
            await file_crud.keep(session, access.workspace_id, key)


@asynccontextmanager
async def _file_of(
    request: Request, name: str | None
) -> AsyncIterator[tuple[str, str, AsyncIterable[bytes]]]:
    """Name, media type and bytes: of the form's part `file`, or of the body itself."""
    sent = request.headers.get("content-type", "")
    if media_type(sent) != "multipart/form-data":
        yield file_name(name), media_type(sent), request.stream()
        return
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            wrong: Any = FieldError("/body/file", UploadInvalid.code, "is no file")
            raise UploadInvalid("The form has no part `file` with a file.", errors=(wrong,))
        yield file_name(name or file.filename), media_type(file.content_type), _pieces(file)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece
