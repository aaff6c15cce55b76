"""What can be wrong with a workflow, its versions, and what is imported as one."""

from app.agents.templates.errors import NoRoomForWorkflows
from app.core.errors import Conflict, FieldError, NotFound, PermissionDenied, Unprocessable


class WorkflowNotFound(NotFound):
    code = "workflow_not_found"
    title = "There is no such workflow"


class WorkflowVersionNotFound(NotFound):
    code = "workflow_version_not_found"
    title = "The workflow has no such version"


class WorkflowLabelNotFound(NotFound):
    code = "workflow_label_not_found"
    title = "The workflow has no version with this label"


class WorkflowSlugTaken(Conflict):
    code = "workflow_slug_taken"
    title = "Another workflow has this slug"


class TooManyWorkflows(NoRoomForWorkflows):
    """Templates tell of it, too, whose room cannot know this one."""


class TooManyWorkflowVersions(Conflict):
    code = "too_many_workflow_versions"
    title = "The workflow has as many versions as it may"


class TooManyWorkflowLabels(Conflict):
    code = "too_many_workflow_labels"
    title = "The workflow has as many labels as it may"


class WorkflowReadOnly(PermissionDenied):
    code = "workflow_read_only"
    title = "The workflow is shared with you to read"


class WorkflowNotYours(PermissionDenied):
    code = "workflow_not_yours"
    title = "Only its owner may do this"


class WorkflowUnreadable(Unprocessable):
    """`position` is the document's place among those that were sent."""

    code = "workflow_document_unreadable"
    title = "This is no workflow that can be read"

    def __init__(self, position: int, detail: str) -> None:
        pointer = f"/body/documents/{position}/content"
        super().__init__(
            f"Document {position + 1}: {detail}.", errors=(FieldError(pointer, self.code, detail),)
        )
