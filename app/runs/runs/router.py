"""Runs over HTTP: list, look, watch, cancel."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.errors import Unauthenticated
from app.core.http.event_stream import EventStream
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, Slice
from app.runs.dialects.dialects import dialect_of
from app.runs.dialects.streaming import dialect_response, heard_to
from app.runs.events.errors import EventIdInvalid
from app.runs.events.event import MAX_SEQ
from app.runs.events.streaming import LastEventId, event_stream_responses, stream_response
from app.runs.runs import service
from app.runs.runs.bundle import RunsDep
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run
from app.runs.runs.schemas import RunQuery, RunRead

router = guarded_router(prefix="/v1/runs", tag="runs")

Reader = Annotated[Access, require(Permission.RUNS_READ)]
Writer = Annotated[Access, require(Permission.RUNS_WRITE)]


@router.get(
    "",
    operation_id="runs_list",
    summary="List runs",
    description="The caller's own runs, newest first.",
    response_model=Page[RunRead],
    responses=problems(CursorInvalid, Unauthenticated, ScopeMissing),
)
async def list_runs(
    query: Annotated[RunQuery, Query()], access: Reader, session: Session, kernel: KernelDep
) -> Slice[Run]:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/{run_id}",
    operation_id="runs_get",
    summary="Show a run",
    response_model=RunRead,
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def get_run(run_id: UUID, access: Reader, session: Session) -> Run:
    return await service.get(session, access, run_id)


@router.get(
    "/{run_id}/events",
    operation_id="runs_stream_events",
    summary="Watch a run",
    description=(
        "All events of the run so far, then the new ones as they come, up to its end. To go on "
        "where a stream broke off, send the last event's id as `Last-Event-ID`, or its number as "
        "`after`; the header counts if both are there. `dialect` tells the same log in the words "
        "of the Vercel AI SDK (`ai-sdk`, its UI message stream) or of AG-UI (`ag-ui`); there the "
        "stream also ends where the run waits."
    ),
    response_class=EventStream,
    responses=event_stream_responses(RunNotFound, Unauthenticated, ScopeMissing),
)
async def watch_run(
    run_id: UUID,
    access: Reader,
    session: Session,
    last_seen: LastEventId,
    runs: RunsDep,
    kernel: KernelDep,
    after: Annotated[
        int, Query(ge=0, le=MAX_SEQ, description="Leave out the events up to this one.")
    ] = 0,
    dialect: Annotated[
        Literal["native", "ai-sdk", "ag-ui"], Query(description="Whose words are used.")
    ] = "native",
) -> EventStream:
    if last_seen is not None and last_seen.run_id != run_id:
        raise EventIdInvalid("Last-Event-ID names another run.")
    position = after if last_seen is None else last_seen.seq
    run = await service.get(session, access, run_id)
    if dialect == "native":
        return await stream_response(kernel, runs.reader, run, position)
    return await dialect_response(
        kernel, runs.reader, run, dialect_of(dialect, run), heard_to(position)
    )


@router.post(
    "/{run_id}/cancel",
    operation_id="runs_cancel",
    summary="Cancel a run",
    description=(
        "The run stops within a second and ends with `run.cancelled`. A run that has ended stays "
        "as it is, and asking again changes nothing."
    ),
    status_code=202,
    response_model=RunRead,
    responses=problems(RunNotFound, Unauthenticated, ScopeMissing),
)
async def cancel_run(run_id: UUID, access: Writer, session: Session, runs: RunsDep) -> Run:
    run = await service.request_cancel(session, access, run_id)
    on_commit(session, lambda: runs.recovery.announce_cancel(run_id))
    return run
