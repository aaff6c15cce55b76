"""What ends an agent's run, or keeps one from beginning."""

from app.core.errors import AppError, Conflict, NotFound, PermissionDenied, Unprocessable


class LimitReached(AppError):
    """A cap of the agent's own definition ended its loop; the detail names it."""

    status = 422
    code = "agent_limit_reached"
    title = "The agent came to one of its limits"


class AgentsTooDeep(Unprocessable):
    code = "agents_too_deep"
    title = "Runs begin one another too deeply"


class OutputInvalid(AppError):
    status = 422
    code = "agent_output_invalid"
    title = "The agent's result does not satisfy its schema"


class NoOutput(AppError):
    status = 502
    code = "agent_no_output"
    title = "The model gave no answer"


class StarterGone(PermissionDenied):
    """A run goes on with the rights of whoever began it, and they have none any more."""

    code = "run_starter_without_access"
    title = "Whoever began the run has no access any more"


class ApprovalNotFound(NotFound):
    code = "approval_not_found"
    title = "No such approval"


class ApprovalDecided(Conflict):
    code = "approval_decided"
    title = "It has been decided already"


class RunNotPaused(Conflict):
    code = "run_not_paused"
    title = "The run does not wait for this"


class RunNotEnded(Conflict):
    code = "run_not_ended"
    title = "The run has not ended yet"


class StepUnknown(Unprocessable):
    code = "step_unknown"
    title = "The run has no such step"
