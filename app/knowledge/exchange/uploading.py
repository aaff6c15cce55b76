"""A file on its way in: piece by piece to a temporary file, so that none is whole in memory."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import IO, Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.datastructures import UploadFile

from app.core.auth import Access, Permission
from app.core.errors import FieldError
from app.core.http.guard import OWN_RAILS, KernelDep, require
from app.core.http.rails import RailsDep, rails_of
from app.core.http.riding import DryRunQuery, KeyHeader, ride_upload
from app.knowledge.dictionary.dictionaries import service as dictionaries
from app.knowledge.exchange import service
from app.knowledge.exchange.errors import ImportInvalid, ImportTooLarge
from app.knowledge.exchange.reading.parent import Found
from app.knowledge.exchange.schemas import ImportOptions
from app.knowledge.exchange.upload import Upload

Writer = Annotated[Access, require(Permission.DICTIONARY_WRITE)]
PIECE_BYTES: Final = 256 * 1024


async def receive(
    request: Request,
    access: Writer,
    kernel: KernelDep,
    dictionary_id: UUID,
    options: Annotated[ImportOptions, Query()],
    key: KeyHeader = None,
    dry_run: DryRunQuery = False,
) -> AsyncIterator[Upload]:
    """The file of an import; whether it may come in is asked before it is read."""
    async with kernel.database.unit(access.scope) as session:
        await dictionaries.get(session, access, dictionary_id)
    rails_of(request).dry_run = dry_run
    with tempfile.TemporaryFile() as file:
        upload = await _received(request, file, options.name, kernel.settings.max_body_bytes)
        told = (upload.sha256, upload.name, upload.media_type)
        await ride_upload(request, access, key, *told)
        yield upload


receive.__dict__[OWN_RAILS] = True
UploadDep = Annotated[Upload, Depends(receive, scope="function")]


async def read_to_try(
    upload: UploadDep, rails: RailsDep, options: Annotated[ImportOptions, Query()]
) -> Sequence[Found]:
    """What the file of a dry run holds, read while no connection is held; else nothing."""
    return await service.read(upload, options) if rails.dry_run else ()


FoundDep = Annotated[Sequence[Found], Depends(read_to_try)]


async def _received(request: Request, file: IO[bytes], name: str | None, most_bytes: int) -> Upload:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != "multipart/form-data":
        size, sha256 = await _spooled(request.stream(), file, most_bytes)
        return Upload(file, name or "", sent, size, sha256)
    async with request.form(max_files=1, max_fields=10) as form:
        part = form.get("file")
        if not isinstance(part, UploadFile):
            wrong: Any = FieldError("/body/file", ImportInvalid.code, "is no file")
            raise ImportInvalid("The form has no part `file` with a file.", errors=(wrong,))
        size, sha256 = await _spooled(_pieces(part), file, most_bytes)
        media_type = (part.content_type or "").partition(";")[0].strip().lower()
        return Upload(file, name or _plain(part.filename or ""), media_type, size, sha256)


def _plain(name: str) -> str:
    """Without what Postgres refuses; its end stays, since it tells the format."""
    return "".join(filter(str.isprintable, name))[-200:]


async def _spooled(
    pieces: AsyncIterator[bytes], file: IO[bytes], most_bytes: int
) -> tuple[int, str]:
    """Write what comes; its size and its hash. Raises ImportTooLarge and ImportInvalid."""
    size, digest = 0, hashlib.sha256()
    async for piece in pieces:
        size += len(piece)
        if size > most_bytes:
            raise ImportTooLarge(f"A file has at most {most_bytes} bytes; split it.")
        digest.update(piece)
        file.write(piece)
    if not size:
        nothing = FieldError("/body", "missing", "has no file")
        raise ImportInvalid(
            "Send the file as the body, or as the part `file` of a form.", errors=(nothing,)
        )
    file.flush()
    return size, digest.hexdigest()


async def _pieces(part: UploadFile) -> AsyncIterator[bytes]:
    while piece := await part.read(PIECE_BYTES):
        yield piece
