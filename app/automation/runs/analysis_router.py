"""Workflows' runs over HTTP: where time went, how runs differ, why one failed."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.agents.templates.asking import ask
from app.automation.engine.errors import WorkflowRunNotFound
from app.automation.runs import comparison, course, explaining, wording
from app.automation.runs.comparison_schemas import Comparison, ComparisonRequest
from app.automation.runs.course_schemas import RunGraph
from app.automation.runs.drawing import timeline
from app.automation.runs.edge import CallsDep, Reader
from app.automation.runs.errors import ExplanationFailed
from app.automation.runs.explain_schemas import Explanation, ExplanationRequest
from app.automation.runs.statistics import statistics
from app.automation.runs.statistics_schemas import StatisticsQuery, WorkflowStatistics
from app.automation.runs.timeline_schemas import Timeline
from app.automation.workflows.errors import WorkflowNotFound
from app.core.auth import Permission
from app.core.errors import Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.paging import CursorInvalid
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.inference.usage.payer import payer_of

router = guarded_router(prefix="/v1/workflow-runs", tag="workflow runs")
explaining_router = guarded_router(prefix="/v1/runs/{workflow_run_id}", tag="workflow runs")
statistics_router = guarded_router(prefix="/v1/workflows/{workflow_id}", tag="workflow runs")

PURPOSE = "workflow_explanation"


@router.get(
    "/{workflow_run_id}/timeline",
    operation_id="workflow_runs_get_timeline",
    summary="Show where a run's time went",
    description=(
        "Per attempt: how long it was ready and had not begun, how long it worked, and how long "
        "it waited; within their containers. The critical path is what the end has waited for."
    ),
    response_model=Timeline,
    responses=problems(WorkflowRunNotFound, Unauthenticated, ScopeMissing),
)
async def get_timeline(workflow_run_id: UUID, access: Reader, session: Session) -> Timeline:
    return await timeline(session, access, workflow_run_id)


@router.get(
    "/{workflow_run_id}/graph",
    operation_id="workflow_runs_get_graph",
    summary="Show how each node of a run stands",
    description=(
        "For a canvas. Of what is computed on the spot or was left out, the kept log tells: while "
        "the run is under way, its events say it earlier."
    ),
    response_model=RunGraph,
    responses=problems(WorkflowRunNotFound, Unauthenticated, ScopeMissing),
)
async def get_graph(workflow_run_id: UUID, access: Reader, session: Session) -> RunGraph:
    return await course.graph(session, access, workflow_run_id)


@router.post(
    "/compare",
    operation_id="workflow_runs_compare",
    summary="Compare two runs, node by node",
    response_model=Comparison,
    dependencies=[off_rails("it changes nothing")],
    responses=problems(WorkflowRunNotFound, CursorInvalid, Unauthenticated, ScopeMissing),
)
async def compare_runs(
    access: Reader, asked: ComparisonRequest, session: Session, kernel: KernelDep
) -> Comparison:
    return await comparison.compare(session, access, asked, kernel.cursors)


@explaining_router.post(
    "/explain",
    operation_id="workflow_runs_explain",
    summary="Say why a workflow's run failed, and what to try",
    description=(
        "Findings with their evidence, worked out without a model. With `model` (and the "
        "permission `models:invoke`) one says it in its words, held to the findings; that costs."
    ),
    response_model=Explanation,
    dependencies=[off_rails("it changes nothing")],
    responses=problems(
        WorkflowRunNotFound,
        ExplanationFailed,
        ModelUnknown,
        NoModel,
        NoCandidate,
        ModelNotAllowed,
        Unauthenticated,
        ScopeMissing,
    ),
)
async def explain_run(
    workflow_run_id: UUID,
    access: Reader,
    kernel: KernelDep,
    calls: CallsDep,
    asked: ExplanationRequest,
) -> Explanation:
    if asked.model is not None and Permission.MODELS_INVOKE not in access.permissions:
        raise ScopeMissing("A model's words need the permission `models:invoke`.")
    async with kernel.database.unit(access.scope) as session:
        diagnosis = await explaining.diagnosed(session, access, workflow_run_id)
    words = None
    if asked.model is not None:
        payer = payer_of(access, PURPOSE, workflow_run_id)
        answered = await ask(calls, payer, access, wording.asked_of(diagnosis, asked))
        words = wording.words_of(diagnosis, answered)
    return explaining.explained(diagnosis, words)


@statistics_router.get(
    "/statistics",
    operation_id="workflows_get_statistics",
    summary="Show how a workflow's runs went over a period",
    description="Over the runs that the caller sees: by default of the last thirty days.",
    response_model=WorkflowStatistics,
    responses=problems(WorkflowNotFound, Unauthenticated, ScopeMissing),
)
async def get_statistics(
    workflow_id: UUID,
    query: Annotated[StatisticsQuery, Query()],
    access: Reader,
    session: Session,
) -> WorkflowStatistics:
    return await statistics(session, access, workflow_id, query)
