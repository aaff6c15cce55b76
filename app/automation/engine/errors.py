"""What ends a workflow's run, or keeps one from beginning."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.core.errors import AppError, Conflict, FieldError, NotFound, TooManyRequests, Unprocessable


class WorkflowFailed(AppError):
    """A step failed, and nothing in the definition takes care of it.

    `evidence` is its error; `errors` names the step, by its path.
    """

    status = 422
    code = "workflow_failed"
    title = "A step of the workflow failed"

    def __init__(self, path: str, evidence: dict[str, Any]) -> None:
        said = str(evidence["message"])
        where = FieldError(f"{_STEPS}{path}", str(evidence["code"]), said)
        super().__init__(f"`{path}`: {said}"[:2000], errors=(where,))
        self.path = path
        self.evidence = evidence


class WorkflowTimedOut(AppError):
    status = 422
    code = "workflow_timed_out"
    title = "The run took longer than its workflow allows"


class WorkflowStopped(AppError):
    status = 409
    code = "workflow_stopped"
    title = "Somebody stopped the run, and had it undo what it had done"


class TooManySteps(AppError):
    status = 422
    code = "workflow_too_many_steps"
    title = "The run took more steps than its workflow allows"


class WorkflowOutputInvalid(AppError):
    status = 422
    code = "workflow_output_invalid"
    title = "What the run gave does not satisfy the workflow's output schema"

    def __init__(self, mistakes: Sequence[FieldError]) -> None:
        super().__init__(_said(mistakes), errors=tuple(mistakes))


class InputsInvalid(Unprocessable):
    code = "workflow_inputs_invalid"
    title = "The inputs do not satisfy the workflow's schema"

    def __init__(self, mistakes: Sequence[FieldError]) -> None:
        super().__init__(_said(mistakes), errors=tuple(mistakes))


class WorkflowBusy(TooManyRequests):
    code = "workflow_busy"
    title = "As many runs of this workflow are under way as it allows"


class WorkflowDisabled(Conflict):
    code = "workflow_disabled"
    title = "The workflow is switched off"


class WorkflowsTooDeep(Unprocessable):
    code = "workflows_too_deep"
    title = "Workflows start one another too deeply"


class WorkflowRunNotFound(NotFound):
    code = "workflow_run_not_found"
    title = "No such run of a workflow"


class WorkflowRunNotEnded(Conflict):
    code = "workflow_run_not_ended"
    title = "The run has not ended yet"


class WorkflowRunEnded(Conflict):
    code = "workflow_run_ended"
    title = "The run has ended"


class NodeUnknown(Unprocessable):
    code = "workflow_node_unknown"
    title = "The definition has no such node"


_STEPS: Final = "/steps/"


def failed_path(problem: Mapping[str, Any] | None) -> str | None:
    """The path of the step that a run's stored problem names; None where it names none."""
    for each in (problem or {}).get("errors", ()):
        if each["pointer"].startswith(_STEPS):
            return str(each["pointer"].removeprefix(_STEPS))
    return None


def _said(mistakes: Sequence[FieldError]) -> str:
    return "; ".join(f"{each.pointer}: {each.detail}" for each in mistakes[:3])
