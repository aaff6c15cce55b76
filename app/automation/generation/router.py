"""/v1/workflows: written, mended and gone on with by a model."""

from typing import Annotated, Any

from fastapi import Depends, Response

from app.automation.engine.errors import WorkflowRunNotFound
from app.automation.generation import service
from app.automation.generation.edge import SuggestingDep
from app.automation.generation.errors import (
    DefinitionUnreadable,
    NothingToRepair,
    SuggestedAfterUnknown,
    TimeZoneUnknown,
    WorkflowModelMissing,
    WorkflowSuggestionFailed,
)
from app.automation.generation.schemas import WorkflowGenerate, WorkflowRepair
from app.automation.generation.suggest_schemas import (
    NextNodesWanted,
    WorkflowSuggest,
    WorkflowSuggestions,
)
from app.automation.workflows.edge import BenchDep
from app.core.auth import Access, Permission
from app.core.db import AsyncSession, on_commit
from app.core.http.guard import ScopeMissing, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.inference.calls.edge import CallsDep
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.runs.runs.bundle import Runs, RunsDep
from app.runs.runs.models import Run
from app.runs.runs.schemas import RunRead

Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]
Writer = Annotated[Access, require(Permission.WORKFLOWS_WRITE, Permission.MODELS_INVOKE)]
UNASKED = (ModelUnknown, NoModel, ModelNotAllowed, NoCandidate)

router = guarded_router(prefix="/v1/workflows", tag="workflows")


async def _generation(access: Writer, calls: CallsDep, wish: WorkflowGenerate) -> dict[str, Any]:
    """What the run is given, once it is certain that there is a model to ask."""
    await service.expect_model(calls, access, wish.model)
    return service.generation_of(wish)


async def _repair(
    access: Writer, calls: CallsDep, bench: BenchDep, wish: WorkflowRepair
) -> dict[str, Any]:
    given = await service.repair_of(bench, access, wish)
    await service.expect_model(calls, access, wish.model)
    return given


@router.post(
    "/generate",
    operation_id="workflows_generate",
    summary="Have a model write a workflow from a description",
    description=(
        "A run: its result has a definition that validates, with why each node is there. What "
        "cannot be written fails it with `workflow_generation_failed`: the mistakes that were "
        "left, or what the workspace lacks. Nothing is stored as a workflow, or switched on."
    ),
    status_code=202,
    response_model=RunRead,
    responses=problems(*UNASKED),
)
async def generate_workflow(
    access: Writer,
    given: Annotated[dict[str, Any], Depends(_generation)],
    session: Session,
    running: RunsDep,
    response: Response,
) -> Run:
    return await _begun(access, given, session, running, response)


@router.post(
    "/repair",
    operation_id="workflows_repair",
    summary="Have a model mend a definition, or that of a run that has failed",
    description=(
        "A run: its result has a whole definition that validates, a JSON patch that leads to it, "
        "what was changed on which evidence, and how to do the run again from there. Nothing is "
        "changed by it."
    ),
    status_code=202,
    response_model=RunRead,
    responses=problems(NothingToRepair, WorkflowRunNotFound, *UNASKED),
)
async def repair_workflow(
    access: Writer,
    given: Annotated[dict[str, Any], Depends(_repair)],
    session: Session,
    running: RunsDep,
    response: Response,
) -> Run:
    return await _begun(access, given, session, running, response)


@router.post(
    "/suggest",
    operation_id="workflows_suggest",
    summary="Suggest the next nodes of a definition, or automations that behaviour shows",
    description=(
        "From a definition: a model's proposals (`models:invoke`), each checked where it would "
        "stand. From behaviour: what the caller begins again and again, counted without a model."
    ),
    response_model=WorkflowSuggestions,
    dependencies=[off_rails("it changes nothing")],
    responses=problems(
        DefinitionUnreadable,
        SuggestedAfterUnknown,
        WorkflowSuggestionFailed,
        WorkflowModelMissing,
        TimeZoneUnknown,
        ScopeMissing,
        *UNASKED,
    ),
)
async def suggest_workflow(
    access: Reader, suggesting: SuggestingDep, wanted: WorkflowSuggest
) -> object:
    asked = wanted.from_
    asks_model = isinstance(asked, NextNodesWanted) or asked.words
    if asks_model and Permission.MODELS_INVOKE not in access.permissions:
        raise ScopeMissing("To ask a model takes the permission `models:invoke`.")
    if isinstance(asked, NextNodesWanted):
        return await suggesting.nodes(access, asked)
    return await suggesting.automations(access, asked)


async def _begun(
    access: Access,
    given: dict[str, Any],
    session: AsyncSession,
    running: Runs,
    response: Response,
) -> Run:
    run = await service.begin(session, access, running.executor.id, given)
    on_commit(session, lambda: running.executor.launch(run))
    response.headers["Location"] = f"/v1/runs/{run.id}"
    response.headers["X-Run-Id"] = str(run.id)
    return run
