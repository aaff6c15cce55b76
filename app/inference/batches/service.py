"""What a workspace does with its batches and files."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.batches import crud
from app.inference.batches import files as stored_files
from app.inference.batches.answering import Clerk
from app.inference.batches.batching import HEADERS, KIND
from app.inference.batches.errors import (
    BatchInvalid,
    BatchNotFound,
    FileInvalid,
    FileNotFound,
)
from app.inference.batches.models import Batch, BatchLine, StoredFile
from app.inference.batches.reading import checked, read_lines
from app.inference.batches.schemas import BatchCreate, BatchQuery
from app.inference.calls.calls import Calls
from app.inference.calls.features import expect_feature
from app.inference.calls.remembering import remembered
from app.inference.dialects.errors import RequestInvalid
from app.inference.usage.payer import Payer
from app.runs.runs import service as runs
from app.runs.runs.models import Run

COMPLETION: Final = timedelta(hours=24)
MOST_STORED_BYTES: Final = 1024 * 1024 * 1024


async def create(
    session: AsyncSession,
    calls: Calls,
    access: Access,
    executor_id: str,
    new: BatchCreate,
    *,
    headers: Mapping[str, str] | None = None,
) -> tuple[Batch, Run]:
    """Store a batch and the run that carries it out, to be launched once this is committed.

    `headers` are the client's own that go to the provider with each request.

    Raises FeatureNotAllowed, FileNotFound, BatchInvalid, and what planning raises.
    """
    expect_feature(access, "batches")
    file_id = id_of(new.file_id, "file-") if new.file_id else None
    if file_id is not None:
        file = await get_file(session, access, file_id, with_content=True)
        # In a thread, so that other calls go on meanwhile.
        lines = await asyncio.to_thread(read_lines, file.content)
    else:
        lines = checked([request.model_dump() for request in new.requests or ()])
    await _expect_models(calls, access, lines)
    urls = {line["url"] for line in lines}
    run_id = new_id()
    batch = Batch(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        run_id=run_id,
        file_id=file_id,
        endpoint=urls.pop() if len(urls) == 1 else None,
        processing=new.processing,
        labels=new.metadata,
        status="in_progress",
        total=len(lines),
        succeeded=0,
        failed=0,
        expires_at=now() + COMPLETION,
    )
    await crud.add(session, batch, lines)
    run = await runs.create(
        session,
        access,
        run_id=run_id,
        executor_id=executor_id,
        kind=KIND,
        subject_id=batch.id,
        input={"batch_id": str(batch.id), HEADERS: dict(headers or {}), **remembered(access)},
    )
    note(session, Note("batch.started", "run", run_id, detail={"lines": batch.total}))
    return batch, run


async def _expect_models(calls: Calls, access: Access, lines: Sequence[dict[str, Any]]) -> None:
    """Each model once: what nobody offers, and what the key may not ask, is refused at once."""
    clerk = Clerk(calls, Payer(access.workspace_id, access.user_id, KIND), access)
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(lines, 1):
        named = (line["url"], line["body"]["model"])
        if named in seen:
            continue
        seen.add(named)
        try:
            order = clerk.order(BatchLine(url=line["url"], body=line["body"]))
        except RequestInvalid as error:
            raise BatchInvalid(f"Request {number}: {error.detail}") from None
        await calls.plan(order)


async def get(session: AsyncSession, access: Access, batch_id: UUID) -> Batch:
    found = await crud.get(session, access.workspace_id, batch_id)
    if found is None:
        raise BatchNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: BatchQuery, cursors: Cursors
) -> Slice[Batch]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def newest(
    session: AsyncSession, access: Access, after: UUID | None, limit: int
) -> Sequence[Batch]:
    return await crud.newest(session, access.workspace_id, after, limit)


async def cancel(session: AsyncSession, access: Access, batch_id: UUID) -> Batch:
    """Note that it is to be cancelled; its run must then be told. Answers stay."""
    batch = await get(session, access, batch_id)
    # The run before its batch: its end holds them in this order.
    await runs.request_cancel_of(session, access.workspace_id, batch.run_id)
    await session.refresh(batch, with_for_update=True)
    await match(session, batch)
    if batch.status == "in_progress":
        batch.status = "cancelling"
        await session.flush()
        await session.refresh(batch)
    return batch


async def results(
    database: Database, access: Access, batch_id: UUID, statuses: Sequence[str]
) -> AsyncIterator[bytes]:
    """The lines that have ended so far, in order, each with its answer: JSON Lines."""
    after = 0
    while True:
        async with database.unit(access.scope) as session:
            lines = await crud.ended(session, access.workspace_id, batch_id, statuses, after)
        if not lines:
            return
        after = lines[-1].position
        yield b"".join([told(line) for line in lines])


def told(line: BatchLine) -> bytes:
    """A line's outcome as OpenAI writes it."""
    return orjson.dumps(
        {
            "id": f"batch_req_{line.id.hex}",
            "custom_id": line.custom_id,
            "response": {
                "status_code": line.status_code,
                "request_id": line.id.hex,
                "body": line.answer,
            },
            "error": None,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


async def add_file(
    session: AsyncSession, access: Access, name: str, purpose: str, content: bytes
) -> StoredFile:
    """Keep an upload; raises FileInvalid for an empty one, and where a workspace keeps too much."""
    if not content:
        raise FileInvalid("The file is empty.")
    if (
        await stored_files.stored_bytes(session, access.workspace_id) + len(content)
        > MOST_STORED_BYTES
    ):
        raise FileInvalid("The files of this workspace take a gigabyte; delete some first.")
    file = StoredFile(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        name=name,
        purpose=purpose,
        size=len(content),
        content=content,
    )
    return await stored_files.add(session, file)


async def get_file(
    session: AsyncSession, access: Access, file_id: UUID, *, with_content: bool = False
) -> StoredFile:
    found = await stored_files.get(session, access.workspace_id, file_id, with_content=with_content)
    if found is None:
        raise FileNotFound
    return found


async def files(
    session: AsyncSession, access: Access, purpose: str | None, after: UUID | None, limit: int
) -> Sequence[StoredFile]:
    return await stored_files.newest(session, access.workspace_id, purpose, after, limit)


async def delete_file(session: AsyncSession, access: Access, file_id: UUID) -> None:
    """For good; a batch has its own copy of the requests."""
    await stored_files.remove(session, await get_file(session, access, file_id))


def id_of(shown: str, prefix: str) -> UUID:
    """The id behind the name that OpenAI's clients see; raises FileNotFound or BatchNotFound."""
    try:
        return UUID(shown.removeprefix(prefix))
    except ValueError:
        if prefix == "file-":
            raise FileNotFound from None
        raise BatchNotFound from None
