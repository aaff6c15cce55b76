"""What can be wrong with feedback."""

from app.core.errors import FieldError, NotFound, Unprocessable


class FeedbackNotFound(NotFound):
    code = "feedback_not_found"
    title = "There is no such feedback"


class JudgedUnknown(Unprocessable):
    """The call, run or message is not there, or is another workspace's."""

    code = "judged_unknown"
    title = "There is no such answer to judge"

    def __init__(self, field: str = "call_id") -> None:
        super().__init__(
            f"`{field}` names nothing of this workspace.",
            errors=(FieldError(f"/body/{field}", self.code, "not of this workspace"),),
        )
