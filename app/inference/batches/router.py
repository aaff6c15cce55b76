"""/v1/batches."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.batches import crud, service
from app.inference.batches.errors import BatchInvalid, BatchNotFound, FileNotFound
from app.inference.batches.models import Batch
from app.inference.batches.schemas import BatchCreate, BatchQuery, BatchRead, ResultsQuery
from app.inference.calls.edge import CallsDep
from app.inference.calls.features import FeatureNotAllowed
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.runs.runs.bundle import RunsDep

Reader = Annotated[Access, require(Permission.BATCHES_READ)]
Writer = Annotated[Access, require(Permission.BATCHES_WRITE, Permission.MODELS_INVOKE)]

router = guarded_router(prefix="/v1/batches", tag="batches")

RESULTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line for each request that has ended, in OpenAI's form.",
        "content": {"application/jsonl": {}},
    }
}


@router.get(
    "",
    operation_id="batches_list",
    summary="List batches, newest first",
    response_model=Page[BatchRead],
    responses=problems(CursorInvalid),
)
async def list_batches(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[BatchQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="batches_create",
    summary="Have many requests answered when there is time",
    status_code=201,
    response_model=BatchRead,
    responses=problems(
        BatchInvalid,
        FileNotFound,
        FeatureNotAllowed,
        ModelUnknown,
        NoModel,
        ModelNotAllowed,
        NoCandidate,
    ),
)
async def create_batch(
    access: Writer,
    session: Session,
    calls: CallsDep,
    running: RunsDep,
    new: BatchCreate,
    response: Response,
) -> Batch:
    batch, run = await service.create(session, calls, access, running.executor.id, new)
    on_commit(session, lambda: running.executor.launch(run))
    response.headers["Location"] = f"/v1/batches/{batch.id}"
    return batch


@router.get(
    "/{batch_id}",
    operation_id="batches_get",
    summary="Show how far a batch is",
    response_model=BatchRead,
    responses=problems(BatchNotFound),
)
async def get_batch(access: Reader, session: Session, batch_id: UUID) -> Batch:
    return await service.get(session, access, batch_id)


@router.get(
    "/{batch_id}/results",
    operation_id="batches_results",
    summary="Read the answers of a batch, as JSON Lines",
    description="Those that there are: a batch need not be over. They stand in the lines' order.",
    response_class=StreamingResponse,
    responses=RESULTS | problems(BatchNotFound),
)
async def read_results(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    batch_id: UUID,
    query: Annotated[ResultsQuery, Query()],
) -> StreamingResponse:
    await service.get(session, access, batch_id)
    wanted = (query.status,) if query.status else crud.ENDED
    return StreamingResponse(
        service.results(kernel.database, access, batch_id, wanted),
        headers={"Cache-Control": "no-store"},
        media_type="application/jsonl",
    )


@router.post(
    "/{batch_id}/cancel",
    operation_id="batches_cancel",
    summary="Stop a batch; what was answered stays",
    status_code=202,
    response_model=BatchRead,
    responses=problems(BatchNotFound),
)
async def cancel_batch(access: Writer, session: Session, running: RunsDep, batch_id: UUID) -> Batch:
    batch = await service.cancel(session, access, batch_id)
    on_commit(session, lambda: running.recovery.announce_cancel(batch.run_id))
    return batch
