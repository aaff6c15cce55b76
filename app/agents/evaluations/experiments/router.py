"""/v1/experiments, and the experiments of an evaluation."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.agents.evaluations.datasets.errors import DatasetEmpty, DatasetNotFound
from app.agents.evaluations.errors import EvaluationNotFound
from app.agents.evaluations.experiments import service
from app.agents.evaluations.experiments.comparing import shown
from app.agents.evaluations.experiments.edge import PlannedDep
from app.agents.evaluations.experiments.errors import (
    ExperimentNotFound,
    ExperimentTooLarge,
    NothingInCommon,
    TargetUnknown,
)
from app.agents.evaluations.experiments.models import Experiment
from app.agents.evaluations.experiments.schemas import (
    ComparisonOfQuery,
    ExperimentQuery,
    ExperimentResultQuery,
)
from app.agents.evaluations.experiments.schemas_read import (
    ComparedSide,
    ExperimentBenchmark,
    ExperimentComparison,
    ExperimentRead,
    ExperimentResultRead,
)
from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.errors import PermissionDenied, RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.runs.runs.bundle import RunsDep

Reader = Annotated[Access, require(Permission.EVALUATIONS_READ)]
Writer = Annotated[Access, require(Permission.EVALUATIONS_WRITE)]

of_evaluation = guarded_router(prefix="/v1/evaluations/{evaluation_id}", tag="experiments")
router = guarded_router(prefix="/v1/experiments", tag="experiments")


@of_evaluation.post(
    "/experiments",
    operation_id="experiments_create",
    summary="Ask targets every case, and grade what they answer",
    description=(
        "A run asks agents, models and prompts the cases as they are now. Each result can be read "
        "as soon as it is there. What is asked is paid for, by the purpose `evaluation`."
    ),
    status_code=201,
    response_model=ExperimentRead,
    responses=problems(
        EvaluationNotFound, DatasetNotFound, DatasetEmpty, ExperimentTooLarge, PermissionDenied
    ),
)
async def create_experiment(
    access: Writer,
    planned: PlannedDep,
    session: Session,
    running: RunsDep,
    evaluation_id: UUID,
    response: Response,
) -> Experiment:
    executor = running.executor
    made, run = await service.create(session, access, executor.id, evaluation_id, planned)
    on_commit(session, lambda: executor.launch(run))
    response.headers["Location"] = f"/v1/experiments/{made.id}"
    return made


@router.get(
    "",
    operation_id="experiments_list",
    summary="List experiments, newest first",
    response_model=Page[ExperimentRead],
    responses=problems(CursorInvalid),
)
async def list_experiments(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[ExperimentQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/{experiment_id}",
    operation_id="experiments_get",
    summary="Show an experiment",
    response_model=ExperimentRead,
    responses=problems(ExperimentNotFound),
)
async def get_experiment(access: Reader, session: Session, experiment_id: UUID) -> Experiment:
    return await service.get(session, access, experiment_id)


@router.get(
    "/{experiment_id}/results",
    operation_id="experiments_list_results",
    summary="List what targets made of the cases, while it goes on, too",
    response_model=Page[ExperimentResultRead],
    responses=problems(ExperimentNotFound, CursorInvalid),
)
async def list_results(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    experiment_id: UUID,
    query: Annotated[ExperimentResultQuery, Query()],
) -> object:
    return await service.results(session, access, experiment_id, query, kernel.cursors)


@router.get(
    "/{experiment_id}/benchmark",
    operation_id="experiments_benchmark",
    summary="Show how fast and how dear each target was, the best first",
    response_model=ExperimentBenchmark,
    responses=problems(ExperimentNotFound),
)
async def show_benchmark(
    access: Reader, session: Session, experiment_id: UUID
) -> ExperimentBenchmark:
    return await service.measured(session, access, experiment_id)


@router.get(
    "/{experiment_id}/comparison",
    operation_id="experiments_compare",
    summary="Compare a target with another one, of this or of another experiment",
    description=(
        "Case by case: a paired bootstrap (percentile, 10,000 resamples, seeded) gives the "
        "intervals, a sign-flip test the p-values. Cases that were changed between two experiments "
        "are left out."
    ),
    response_model=ExperimentComparison,
    responses=problems(ExperimentNotFound, TargetUnknown, NothingInCommon),
)
async def compare_targets(
    access: Reader,
    session: Session,
    experiment_id: UUID,
    query: Annotated[ComparisonOfQuery, Query()],
) -> ExperimentComparison:
    found = await service.get(session, access, experiment_id)
    candidate = found, service.target_of(found, query.target, last=True, where="/query/target")
    other = await service.get(session, access, query.baseline) if query.baseline else found
    baseline = (
        other,
        service.target_of(other, query.baseline_target, where="/query/baseline_target"),
    )
    compared = await service.compared(session, access, baseline, candidate, query.confidence)
    first, second = [
        ComparedSide(experiment_id=each.id, target=target) for each, target in (baseline, candidate)
    ]
    return ExperimentComparison(
        baseline=first,
        candidate=second,
        confidence=query.confidence,
        score=compared.score,
        pass_rate=compared.pass_rate,
        graders=compared.graders,
        slices=compared.slices,
        changes=compared.changes,
        cases=shown(compared.pairs, query.change, query.most),
        left_out=compared.left_out,
    )


@router.post(
    "/{experiment_id}/cancel",
    operation_id="experiments_cancel",
    summary="Cancel an experiment; its results so far stay",
    status_code=202,
    response_model=ExperimentRead,
    responses=problems(ExperimentNotFound),
)
async def cancel_experiment(
    access: Writer, session: Session, running: RunsDep, experiment_id: UUID
) -> Experiment:
    found = await service.cancel(session, access, experiment_id)
    running.canceller(session)(found.run_id)
    return found


@router.delete(
    "/{experiment_id}",
    operation_id="experiments_delete",
    summary="Delete an experiment; it can be restored for 30 days",
    status_code=204,
    responses=problems(ExperimentNotFound),
)
async def delete_experiment(access: Writer, session: Session, experiment_id: UUID) -> None:
    await service.delete(session, access, experiment_id)


@router.post(
    "/{experiment_id}/restore",
    operation_id="experiments_restore",
    summary="Bring a deleted experiment back",
    response_model=ExperimentRead,
    responses=problems(ExperimentNotFound, RestoreExpired),
)
async def restore_experiment(access: Writer, session: Session, experiment_id: UUID) -> Experiment:
    return await service.restore(session, access, experiment_id)
