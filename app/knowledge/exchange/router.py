"""/v1/dictionaries/{id}/export and /imports, and /v1/dictionary/imports."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import RailsDep
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.knowledge.dictionary.dictionaries import service as dictionaries
from app.knowledge.dictionary.errors import DictionaryNotFound
from app.knowledge.exchange import exporting, service
from app.knowledge.exchange.concept import Head
from app.knowledge.exchange.errors import (
    FileMalformed,
    FormatUnknown,
    ImportInvalid,
    ImportNotFound,
    ImportTooLarge,
    ImportUnderWay,
)
from app.knowledge.exchange.formats.table import FORMATS
from app.knowledge.exchange.models import DictionaryImport
from app.knowledge.exchange.schemas import (
    ExportQuery,
    ImportOptions,
    ImportQuery,
    ImportRead,
    ImportReject,
    ImportStarted,
)
from app.knowledge.exchange.uploading import FoundDep, UploadDep
from app.runs.runs.bundle import RunsDep

Reader = Annotated[Access, require(Permission.DICTIONARY_READ)]
Writer = Annotated[Access, require(Permission.DICTIONARY_WRITE)]

router = guarded_router(prefix="/v1", tag="dictionary_exchange")

EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {each.media_type: {} for each in FORMATS.values()},
    }
}
FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            **{each.media_type: {"schema": {}} for each in FORMATS.values()},
            "multipart/form-data": {"schema": {}},
        },
    }
}


@router.get(
    "/dictionaries/{dictionary_id}/export",
    operation_id="dictionary_exports_read",
    summary="Read a dictionary as a file: TBX-Basic, SKOS, CSV or JSON",
    response_class=StreamingResponse,
    responses=EXPORTED | problems(DictionaryNotFound),
)
async def export_dictionary(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    dictionary_id: UUID,
    query: Annotated[ExportQuery, Query()],
) -> StreamingResponse:
    found = await dictionaries.get(session, access, dictionary_id)
    head = Head(found.name, found.description, tuple(found.languages))
    form = FORMATS[query.format]
    return StreamingResponse(
        exporting.pieces(kernel.database, access, dictionary_id, head, query),
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{found.slug}.{form.extension}"',
        },
        media_type=form.media_type,
    )


@router.post(
    "/dictionaries/{dictionary_id}/imports",
    operation_id="dictionary_imports_create",
    summary="Take a file into a dictionary",
    description=(
        "The file is the body itself, or the part `file` of a form. It is kept, and a run takes "
        "it in. Nothing of a malformed file is imported. A dry run does all of it at once, for "
        "files of up to 500 concepts, and takes it back."
    ),
    status_code=201,
    response_model=ImportStarted,
    openapi_extra=FILE,
    responses=problems(
        DictionaryNotFound,
        FormatUnknown,
        ImportInvalid,
        ImportTooLarge,
        ImportUnderWay,
        FileMalformed,
    ),
)
async def create_import(
    access: Writer,
    upload: UploadDep,
    found: FoundDep,
    session: Session,
    running: RunsDep,
    rails: RailsDep,
    dictionary_id: UUID,
    options: Annotated[ImportOptions, Query()],
    response: Response,
) -> ImportStarted:
    if rails.dry_run:
        return await service.attempt(session, access, dictionary_id, upload, options, found)
    executor = running.executor
    started, run = await service.start(session, access, executor.id, dictionary_id, upload, options)
    on_commit(session, lambda: executor.launch(run))
    response.headers["Location"] = f"/v1/dictionary/imports/{started.id}"
    return service.shown(started)


@router.get(
    "/dictionary/imports",
    operation_id="dictionary_imports_list",
    summary="List imports, newest first",
    response_model=Page[ImportRead],
    responses=problems(CursorInvalid),
)
async def list_imports(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[ImportQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/dictionary/imports/{import_id}",
    operation_id="dictionary_imports_get",
    summary="Show how far an import is",
    response_model=ImportRead,
    responses=problems(ImportNotFound),
)
async def get_import(access: Reader, session: Session, import_id: UUID) -> DictionaryImport:
    return await service.get(session, access, import_id)


@router.get(
    "/dictionary/imports/{import_id}/rejects",
    operation_id="dictionary_imports_rejects",
    summary="List the concepts of a file that were refused, and why, in the file's order",
    response_model=Page[ImportReject],
    responses=problems(CursorInvalid, ImportNotFound),
)
async def list_rejects(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    import_id: UUID,
    query: Annotated[PageQuery, Query()],
) -> object:
    return await service.rejects(session, access, import_id, query, kernel.cursors)
