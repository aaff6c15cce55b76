"""What can be wrong with an experiment."""

from app.core.errors import AppError, Conflict, NotFound, Unprocessable


class ExperimentNotFound(NotFound):
    code = "experiment_not_found"
    title = "There is no such experiment"


class TargetUnknown(Unprocessable):
    code = "experiment_target_unknown"
    title = "The experiment has no such target"


class TargetNotReady(Conflict):
    code = "experiment_target_not_ready"
    title = "A target cannot be asked here"


class NothingInCommon(Conflict):
    code = "experiments_not_comparable"
    title = "The two have no case in common"


class ExperimentTooLarge(Unprocessable):
    code = "experiment_too_large"
    title = "The experiment would ask too much"


class ExperimentBudgetReached(AppError):
    """The results so far are kept."""

    status = 402
    code = "experiment_budget_reached"
    title = "The experiment's budget is reached"


class AgentRunFailed(AppError):
    """An agent's run ended otherwise than with a result."""

    status = 502
    code = "agent_run_not_completed"
    title = "The agent's run did not complete"
