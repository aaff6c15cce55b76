"""/v1/workflows: written, mended and gone on with by a model."""

from typing import Annotated, Any, Final

from fastapi import Depends, Response

from app.automation.engine.errors import WorkflowRunNotFound
from app.automation.generation import service
from app.automation.generation.answering import answer_of
from app.automation.generation.beginning import Begun
from app.automation.generation.edge import BeginningDep, HelpingDep
from app.automation.generation.errors import (
    DefinitionUnreadable,
    NothingToRepair,
    SuggestedAfterUnknown,
    TimeZoneUnknown,
)
from app.automation.generation.help_schemas import (
    HelpEstimate,
    WorkflowGenerationAnswer,
    WorkflowGenerationRun,
    WorkflowRepairAnswer,
    WorkflowRepairRun,
    WorkflowSuggestionAnswer,
    WorkflowSuggestionRun,
)
from app.automation.generation.helping import GENERATION, REPAIR, SUGGESTION, Wanted
from app.automation.generation.schemas import WorkflowGenerate, WorkflowRepair
from app.automation.generation.suggest_schemas import WorkflowSuggest
from app.core.auth import Access, Permission
from app.core.errors import AppError, Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router, require
from app.core.http.problems import problems
from app.core.schema import Output
from app.inference.integrations.errors import ModelUnknown, NoModel
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.runs.events.errors import EventIdInvalid
from app.runs.events.streaming import LastEventId, event_stream_responses
from app.runs.runs.bundle import RunsDep
from app.runs.runs.errors import RunNotFound

Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]
Writer = Annotated[Access, require(Permission.WORKFLOWS_WRITE, Permission.MODELS_INVOKE)]
_FOLLOWED: Final = (
    " The run goes on when the connection drops: a repeated request with its `Idempotency-Key`, "
    "or one with `Last-Event-ID`, finds it again."
)
router = guarded_router(prefix="/v1/workflows", tag="workflows")


def _responses(
    answer: type[Any], run: type[Output], *errors: type[AppError]
) -> dict[int | str, dict[str, Any]]:
    """Its ways to answer: the run at its end, as it begins, or with `stream` its events."""
    documented = problems(
        *errors, ModelUnknown, NoModel, ModelNotAllowed, NoCandidate, RunNotFound, EventIdInvalid,
        Unauthenticated, ScopeMissing,
    )  # fmt: skip
    documented[200] = {
        "description": "The run at its end; with `stream`, its events.",
        "model": answer,
        "content": event_stream_responses()[200]["content"],
    }
    documented[202] = {
        "description": "With `wait: false`: the run as it begins.",
        "model": run,
    }
    return documented


async def start_workflow_generation(
    access: Writer,
    beginning: BeginningDep,
    helping: HelpingDep,
    last: LastEventId,
    wish: WorkflowGenerate,
) -> Begun:
    async def prepare() -> Wanted:
        return service.generation(helping, access, wish)

    return await beginning.begin(GENERATION, last, prepare, stream=wish.stream, wait=wish.wait)


async def start_workflow_repair(
    access: Writer,
    beginning: BeginningDep,
    helping: HelpingDep,
    last: LastEventId,
    wish: WorkflowRepair,
) -> Begun:
    async def prepare() -> Wanted:
        return await service.repair(helping, access, wish)

    return await beginning.begin(REPAIR, last, prepare, stream=wish.stream, wait=wish.wait)


async def start_workflow_suggestion(
    access: Reader,
    beginning: BeginningDep,
    helping: HelpingDep,
    last: LastEventId,
    wish: WorkflowSuggest,
) -> Begun:
    if wish.asks_model and Permission.MODELS_INVOKE not in access.permissions:
        raise ScopeMissing("To ask a model takes the permission `models:invoke`.")

    async def prepare() -> Wanted:
        return await service.suggestion(helping, access, wish)

    return await beginning.begin(SUGGESTION, last, prepare, stream=wish.stream, wait=wish.wait)


@router.post(
    "/generate",
    operation_id="workflows_generate",
    summary="Have a model write a workflow from a description",
    description=(
        "A run: its result has a definition that validates, with why each node is there. What "
        "cannot be written fails it with `workflow_generation_failed`: the mistakes that were "
        "left, or what the workspace lacks. Nothing is stored as a workflow, or switched on."
        + _FOLLOWED
    ),
    response_model=None,
    responses=_responses(WorkflowGenerationAnswer, WorkflowGenerationRun),
)
async def generate_workflow(
    access: Writer,
    kernel: KernelDep,
    running: RunsDep,
    begun: Annotated[Begun, Depends(start_workflow_generation)],
) -> Response | HelpEstimate:
    return await answer_of(kernel, running, access, begun, WorkflowGenerationRun)


@router.post(
    "/repair",
    operation_id="workflows_repair",
    summary="Have a model mend a definition, or that of a run that has failed",
    description=(
        "A run: its result has a whole definition that validates, a JSON patch that leads to it, "
        "what was changed on which evidence, and how to do the run again from there. Nothing is "
        "changed by it." + _FOLLOWED
    ),
    response_model=None,
    responses=_responses(
        WorkflowRepairAnswer, WorkflowRepairRun, NothingToRepair, WorkflowRunNotFound
    ),
)
async def repair_workflow(
    access: Writer,
    kernel: KernelDep,
    running: RunsDep,
    begun: Annotated[Begun, Depends(start_workflow_repair)],
) -> Response | HelpEstimate:
    return await answer_of(kernel, running, access, begun, WorkflowRepairRun)


@router.post(
    "/suggest",
    operation_id="workflows_suggest",
    summary="Suggest the next nodes of a definition, or automations that behaviour shows",
    description=(
        "A run. From a definition: a model's proposals (`models:invoke`), each checked where it "
        "would stand. From behaviour: what the caller begins again and again, counted without a "
        "model." + _FOLLOWED
    ),
    response_model=None,
    responses=_responses(
        WorkflowSuggestionAnswer,
        WorkflowSuggestionRun,
        DefinitionUnreadable,
        SuggestedAfterUnknown,
        TimeZoneUnknown,
    ),
)
async def suggest_workflow(
    access: Reader,
    kernel: KernelDep,
    running: RunsDep,
    begun: Annotated[Begun, Depends(start_workflow_suggestion)],
) -> Response | HelpEstimate:
    return await answer_of(kernel, running, access, begun, WorkflowSuggestionRun)
