"""What can be wrong with an evaluation."""

from app.core.errors import NotFound, Unprocessable


class EvaluationNotFound(NotFound):
    code = "evaluation_not_found"
    title = "There is no such evaluation"


class BaselineInvalid(Unprocessable):
    code = "baseline_invalid"
    title = "That cannot be the baseline"
