"""/v1/fine-tuning/jobs."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.batches.errors import FileNotFound
from app.inference.calls.features import FeatureNotAllowed
from app.inference.fine_tuning import service
from app.inference.fine_tuning.errors import (
    DataSetInvalid,
    FineTuningJobNotFound,
    FineTuningNotOffered,
)
from app.inference.fine_tuning.models import FineTuningJob
from app.inference.fine_tuning.schemas import (
    FineTuningCheckpointPage,
    FineTuningCheckpointRead,
    FineTuningEventPage,
    FineTuningEventRead,
    FineTuningJobCreate,
    FineTuningJobQuery,
    FineTuningJobRead,
    UpstreamQuery,
)
from app.inference.fine_tuning.training import Training
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.runs.runs.bundle import RunsDep

Reader = Annotated[Access, require(Permission.FINE_TUNING_READ)]
Writer = Annotated[Access, require(Permission.FINE_TUNING_WRITE)]

MOST_NUMBER = 2**32

router = guarded_router(prefix="/v1/fine-tuning/jobs", tag="fine-tuning")


def _desk_of(request: Request) -> service.Desk:
    inference = request.app.state.inference
    return service.Desk(inference.calls, inference.prices)


def _training_of(request: Request) -> Training:
    training: Training = request.app.state.training
    return training


DeskDep = Annotated[service.Desk, Depends(_desk_of)]
TrainingDep = Annotated[Training, Depends(_training_of)]


@router.get(
    "",
    operation_id="fine_tuning_jobs_list",
    summary="List fine-tuning jobs, newest first",
    response_model=Page[FineTuningJobRead],
    responses=problems(CursorInvalid),
)
async def list_jobs(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[FineTuningJobQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="fine_tuning_jobs_create",
    summary="Have a provider train a model on your examples",
    description=(
        "The data set is checked before it is sent, each mistake told with its line. With "
        "`dry_run`, that and what it may cost is all that happens."
    ),
    status_code=201,
    response_model=FineTuningJobRead,
    responses=problems(
        DataSetInvalid,
        FineTuningNotOffered,
        FileNotFound,
        FeatureNotAllowed,
        ModelUnknown,
        NoModel,
        ModelNotAllowed,
        NoCandidate,
    ),
)
async def create_job(
    access: Writer,
    session: Session,
    desk: DeskDep,
    running: RunsDep,
    new: FineTuningJobCreate,
    response: Response,
) -> FineTuningJob:
    job, run = await service.create(session, desk, access, running.executor.id, new)
    on_commit(session, lambda: running.executor.launch(run))
    response.headers["Location"] = f"/v1/fine-tuning/jobs/{job.id}"
    return job


@router.get(
    "/{job_id}",
    operation_id="fine_tuning_jobs_get",
    summary="Show a fine-tuning job",
    response_model=FineTuningJobRead,
    responses=problems(FineTuningJobNotFound),
)
async def get_job(access: Reader, session: Session, job_id: UUID) -> FineTuningJob:
    return await service.get(session, access, job_id)


@router.post(
    "/{job_id}/cancel",
    operation_id="fine_tuning_jobs_cancel",
    summary="Stop a fine-tuning job, here and at its provider",
    status_code=202,
    response_model=FineTuningJobRead,
    responses=problems(FineTuningJobNotFound),
)
async def cancel_job(
    access: Writer, session: Session, running: RunsDep, job_id: UUID
) -> FineTuningJob:
    job = await service.cancel(session, access, job_id)
    on_commit(session, lambda: running.recovery.announce_cancel(job.run_id))
    return job


@router.get(
    "/{job_id}/events",
    operation_id="fine_tuning_jobs_list_events",
    summary="Read what the provider tells of a job's training",
    response_model=FineTuningEventPage,
    responses=problems(FineTuningJobNotFound, FineTuningNotOffered),
)
async def list_events(
    access: Reader,
    kernel: KernelDep,
    training: TrainingDep,
    job_id: UUID,
    query: Annotated[UpstreamQuery, Query()],
) -> FineTuningEventPage:
    async with kernel.database.unit(access.scope) as session:
        job = await service.get(session, access, job_id)
    found = await told(training, job, "events", query)
    shown = [
        FineTuningEventRead(
            id=str(one.get("id")),
            created_at=moment(one),
            level=str(one.get("level", "info")),
            message=str(one.get("message", "")),
            metrics=one.get("data") if isinstance(one.get("data"), dict) else None,
        )
        for one in items(found)
    ]
    return FineTuningEventPage(data=shown, **rest(found, [one.id for one in shown]))


@router.get(
    "/{job_id}/checkpoints",
    operation_id="fine_tuning_jobs_list_checkpoints",
    summary="List the states of the model on its way",
    response_model=FineTuningCheckpointPage,
    responses=problems(FineTuningJobNotFound, FineTuningNotOffered),
)
async def list_checkpoints(
    access: Reader,
    kernel: KernelDep,
    training: TrainingDep,
    job_id: UUID,
    query: Annotated[UpstreamQuery, Query()],
) -> FineTuningCheckpointPage:
    async with kernel.database.unit(access.scope) as session:
        job = await service.get(session, access, job_id)
    found = await told(training, job, "checkpoints", query)
    shown = [
        FineTuningCheckpointRead(
            id=str(one.get("id")),
            created_at=moment(one),
            step=number(one, "step_number"),
            model=f"{job.slug}/{one.get('fine_tuned_model_checkpoint')}",
            metrics=one["metrics"] if isinstance(one.get("metrics"), dict) else {},
        )
        for one in items(found)
    ]
    return FineTuningCheckpointPage(data=shown, **rest(found, [one.id for one in shown]))


async def told(
    training: Training, job: FineTuningJob, what: str, query: UpstreamQuery
) -> dict[str, Any]:
    """A page; empty as long as the provider has not taken the job up. Raises ProviderError."""
    if job.upstream_id is None:
        return {}
    upstream = await training.upstream_of(job)
    return await upstream.told(job.upstream_id, what, query.limit, query.after)


def items(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in found.get("data") or () if isinstance(one, dict)]


def moment(one: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(number(one, "created_at"), UTC)


def number(one: dict[str, Any], name: str) -> int:
    """0 where the provider tells none that could be one."""
    told = one.get(name)
    return told if isinstance(told, int) and 0 <= told < MOST_NUMBER else 0


def rest(found: dict[str, Any], ids: list[str]) -> dict[str, Any]:
    has_more = bool(found.get("has_more") and ids)
    return {"has_more": has_more, "last_id": ids[-1] if has_more else None}
