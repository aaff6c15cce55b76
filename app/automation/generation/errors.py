"""What can be wrong where a model is asked to help with workflows."""

from app.core.errors import Conflict, FieldError, Unprocessable


class WorkflowGenerationFailed(Unprocessable):
    """`errors` are the mistakes that were left, or what the workspace lacks for it."""

    code = "workflow_generation_failed"
    title = "The model wrote no workflow that can be used"


class WorkflowSuggestionFailed(Unprocessable):
    code = "workflow_suggestion_failed"
    title = "The model suggested nothing that can be read"


class WorkflowModelMissing(Conflict):
    code = "workflow_model_missing"
    title = "There is no model that can write workflows"


class NothingToRepair(Conflict):
    code = "workflow_needs_no_repair"
    title = "There is nothing to repair"


class DefinitionUnreadable(Unprocessable):
    """The definition has not the form of one, so that nothing can be put into it."""

    code = "workflow_definition_unreadable"
    title = "The definition cannot be gone on with"


class SuggestedAfterUnknown(Unprocessable):
    code = "workflow_suggestion_place_unknown"
    title = "There is no such node to go on from"

    def __init__(self, name: str) -> None:
        said = f"there is no node `{name}`"
        super().__init__(said, errors=(FieldError("/body/from/after", self.code, said),))


class TimeZoneUnknown(Unprocessable):
    code = "time_zone_unknown"
    title = "There is no such time zone"
