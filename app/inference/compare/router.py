"""/v1/compare."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.kernel import Kernel
from app.core.paging import CursorInvalid, Page
from app.inference.compare import service
from app.inference.compare.errors import (
    ChoiceInvalid,
    ChoiceMade,
    ComparisonNotFound,
    ComparisonUnderWay,
    ComparisonUnfinished,
    LedgerBehind,
)
from app.inference.compare.models import Comparison
from app.inference.compare.schemas import (
    ChoiceCreate,
    ComparisonAnswer,
    ComparisonEstimate,
    ComparisonQuery,
    ComparisonRead,
)
from app.inference.compare.starting import Comparer, DeskDep, StartedDep
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.edge import RouterDep
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.runs.events.errors import EventIdInvalid
from app.runs.events.streaming import event_stream_responses, stream_response
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs, RunsDep
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run

Reader = Annotated[Access, require(Permission.RUNS_READ)]
Writer = Annotated[Access, require(Permission.RUNS_WRITE)]
Judge = Annotated[Access, require(Permission.FEEDBACK_WRITE)]

router = guarded_router(prefix="/v1/compare", tag="comparisons")


def _start_responses() -> dict[int | str, dict[str, Any]]:
    """Both ways to answer: the comparison as JSON, or with `stream` the run's events."""
    documented = problems(
        ModelUnknown, NoModel, ModelNotAllowed, NoCandidate, RunNotFound, EventIdInvalid,
        ComparisonUnfinished,
    )  # fmt: skip
    documented[200] = {
        "description": "All answers; with `stream`, the run's events as they come.",
        "model": ComparisonAnswer,
        "content": event_stream_responses()[200]["content"],
    }
    return documented


@router.post(
    "",
    operation_id="comparisons_create",
    summary="Have several models answer one prompt, side by side",
    description=(
        "The candidates answer at the same time in one stream: `text.delta` and the events of a "
        "candidate bear its `label`. One that fails ends with `candidate.failed`, and the others "
        "go on; the run fails where none has answered. To stop, cancel the run."
    ),
    response_model=None,
    responses=_start_responses(),
)
async def create_comparison(
    access: Comparer, kernel: KernelDep, running: RunsDep, started: StartedDep
) -> Response | ComparisonEstimate:
    if started.estimate:
        return started.estimate
    run = started.run
    if run is None:
        async with kernel.database.unit(access.scope) as session:
            run = await runs.get(session, access, started.run_id)
    if started.stream:
        response: Response = await stream_response(kernel, running.reader, run, started.after)
    else:
        read = await _ended(access, kernel, running, run)
        response = Response(read.model_dump_json(by_alias=True), media_type="application/json")
        response.headers["Location"] = f"/v1/compare/{read.id}"
    if started.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


async def _ended(access: Access, kernel: Kernel, running: Runs, run: Run) -> ComparisonRead:
    """The comparison, once its run has ended; a failed one tells each candidate's error."""
    async for _ in running.reader.events(run, 0):
        pass
    async with kernel.database.unit(access.scope) as session:
        run = await runs.get(session, access, run.id)
        if run.ended_at is None or run.subject_id is None:
            raise ComparisonUnfinished
        found = await service.get(session, access, run.subject_id)
        return ComparisonRead.model_validate(found)


@router.get(
    "",
    operation_id="comparisons_list",
    summary="List your comparisons, newest first",
    response_model=Page[ComparisonRead],
    responses=problems(CursorInvalid),
)
async def list_comparisons(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[ComparisonQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/{comparison_id}",
    operation_id="comparisons_get",
    summary="Show a comparison",
    response_model=ComparisonRead,
    responses=problems(ComparisonNotFound),
)
async def get_comparison(access: Reader, session: Session, comparison_id: UUID) -> Comparison:
    return await service.get(session, access, comparison_id)


@router.post(
    "/{comparison_id}/choice",
    operation_id="comparisons_choose",
    summary="Say which answer was the best; adaptive routes learn from it",
    response_model=ComparisonRead,
    responses=problems(
        ComparisonNotFound, ComparisonUnderWay, ChoiceMade, ChoiceInvalid, LedgerBehind
    ),
)
async def choose_winner(
    access: Judge,
    session: Session,
    routes: RouterDep,
    desk: DeskDep,
    comparison_id: UUID,
    new: ChoiceCreate,
) -> Comparison:
    comparison = await service.choose(session, access, comparison_id, new)
    await service.teach(session, access, routes, desk.calls, comparison)
    return comparison


@router.delete(
    "/{comparison_id}",
    operation_id="comparisons_delete",
    summary="Delete a comparison; it can be restored for 30 days",
    status_code=204,
    responses=problems(ComparisonNotFound),
)
async def delete_comparison(access: Writer, session: Session, comparison_id: UUID) -> None:
    await service.delete(session, access, comparison_id)


@router.post(
    "/{comparison_id}/restore",
    operation_id="comparisons_restore",
    summary="Bring a deleted comparison back",
    response_model=ComparisonRead,
    responses=problems(ComparisonNotFound, RestoreExpired),
)
async def restore_comparison(access: Writer, session: Session, comparison_id: UUID) -> Comparison:
    return await service.restore(session, access, comparison_id)
