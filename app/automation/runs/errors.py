"""What can be wrong with a question about a workflow's run."""

from app.core.errors import NotFound, Unprocessable


class WorkflowStepNotFound(NotFound):
    code = "workflow_step_not_found"
    title = "The run has no such step"


class ExplanationFailed(Unprocessable):
    code = "workflow_explanation_failed"
    title = "The model gave no explanation that can be used"
