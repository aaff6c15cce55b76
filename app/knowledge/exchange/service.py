"""What a workspace does with exports and imports."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Final
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.knowledge.exchange import applying, crud
from app.knowledge.exchange.errors import (
    FileMalformed,
    FormatUnknown,
    ImportInvalid,
    ImportNotFound,
)
from app.knowledge.exchange.formats.table import FORMATS, Name
from app.knowledge.exchange.importing import KIND, told
from app.knowledge.exchange.models import DictionaryImport, ImportRow
from app.knowledge.exchange.reading.parent import Found, rows
from app.knowledge.exchange.schemas import (
    ImportOptions,
    ImportQuery,
    ImportRead,
    ImportReject,
    ImportStarted,
)
from app.knowledge.exchange.upload import Upload
from app.runs.runs import service as runs
from app.runs.runs.models import Run

PART_BYTES: Final = 256 * 1024
# A dry run does all of it, in the request, and takes it back: so it is bounded.
MOST_TRIED: Final = 500
MOST_TOLD: Final = 50
_MEDIA: Final[dict[str, Name]] = {
    **{each.media_type: each.name for each in FORMATS.values()},
    "application/xml": "tbx",
    "text/xml": "tbx",
    "application/x-turtle": "turtle",
    "text/tab-separated-values": "csv",
}
_ENDINGS: Final[dict[str, Name]] = {
    **{each.extension: each.name for each in FORMATS.values()},
    "xml": "tbx",
    "tsv": "csv",
}


async def start(
    session: AsyncSession,
    access: Access,
    executor_id: str,
    dictionary_id: UUID,
    upload: Upload,
    options: ImportOptions,
) -> tuple[DictionaryImport, Run]:
    """Keep the file, and make the run that takes it in, to be launched once this is committed.

    Raises FormatUnknown and ImportUnderWay.
    """
    started = _import(access, dictionary_id, upload, options)
    await crud.add(session, started)
    upload.file.seek(0)
    position = 0
    while content := upload.file.read(PART_BYTES):
        await crud.add_part(session, started, position, content)
        position += 1
    run = await runs.create(
        session,
        access,
        run_id=started.run_id,
        executor_id=executor_id,
        kind=KIND,
        subject_id=started.id,
        input=told(access, started),
    )
    note(
        session,
        Note("dictionary.import_started", "dictionary", dictionary_id,
             detail={"import_id": str(started.id), "format": started.format}),
    )  # fmt: skip
    return started, run


async def read(upload: Upload, options: ImportOptions) -> Sequence[Found]:
    """The concepts of a file; raises FormatUnknown, FileMalformed and ImportInvalid."""
    found: list[Found] = []
    try:
        async with aclosing(rows(upload.file, _format(upload, options))) as told:
            async for row in told:
                found.append(row)
                if len(found) > MOST_TRIED:
                    raise ImportInvalid(
                        f"A dry run takes at most {MOST_TRIED} concepts; try a part of the file."
                    )
    except FileMalformed:
        if not options.continue_on_error:
            raise
    return found


async def attempt(
    session: AsyncSession,
    access: Access,
    dictionary_id: UUID,
    upload: Upload,
    options: ImportOptions,
    found: Sequence[Found],
) -> ImportStarted:
    """Do the import of what was `found`, not to be committed, and say what came of it.

    Raises ImportUnderWay.
    """
    started = _import(access, dictionary_id, upload, options)
    await crud.add(session, started)
    await applying.keep_rows(session, started, found)
    await applying.finish_reading(session, started)
    while await applying.write_some(session, access, started):
        pass
    while await applying.relate_some(session, access, started):
        pass
    while applying.removes(started) and await applying.remove_some(session, access, started):
        pass
    started.stage, started.status = "done", "completed"
    await session.flush()
    refused = await crud.next_rows(session, started, "refused", MOST_TOLD)
    return shown(started, [ImportReject.model_validate(row) for row in refused])


def shown(started: DictionaryImport, rejects: Sequence[ImportReject] = ()) -> ImportStarted:
    read = ImportRead.model_validate(started)
    return ImportStarted(**read.model_dump(), rejects=list(rejects))


def _import(
    access: Access, dictionary_id: UUID, upload: Upload, options: ImportOptions
) -> DictionaryImport:
    form = _format(upload, options)
    return DictionaryImport(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        dictionary_id=dictionary_id,
        run_id=new_id(),
        name=upload.name or f"import.{FORMATS[form].extension}",
        format=form,
        mode=options.mode,
        continue_on_error=options.continue_on_error,
        unknown_targets=options.unknown_targets,
        default_status=options.default_status,
        size=upload.size,
        sha256=upload.sha256,
        status="in_progress",
        stage="reading",
        total=0, created=0, updated=0, unchanged=0, removed=0, refused=0,
    )  # fmt: skip


def _format(upload: Upload, options: ImportOptions) -> Name:
    """Raises FormatUnknown."""
    if options.format is not None:
        return options.format
    ending = upload.name.rpartition(".")[2].lower()
    found = _MEDIA.get(upload.media_type) or _ENDINGS.get(ending)
    if found is None:
        known = ", ".join(FORMATS)
        raise FormatUnknown(f"Name it in the query: `format` is one of {known}.")
    return found


async def get(session: AsyncSession, access: Access, import_id: UUID) -> DictionaryImport:
    """Raises ImportNotFound."""
    found = await crud.get(session, access.workspace_id, import_id)
    if found is None:
        raise ImportNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: ImportQuery, cursors: Cursors
) -> Slice[DictionaryImport]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def rejects(
    session: AsyncSession, access: Access, import_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ImportRow]:
    """Raises ImportNotFound."""
    await get(session, access, import_id)
    return await crud.rejects(session, access.workspace_id, import_id, query, cursors)
