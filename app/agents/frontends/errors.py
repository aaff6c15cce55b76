"""What can be wrong with what a front end sends."""

from app.core.errors import FieldError, Unprocessable


class FrontendMessageInvalid(Unprocessable):
    """Something that is well-formed in its protocol, and that an agent cannot be shown."""

    code = "frontend_message_invalid"
    title = "The agent cannot be asked like this"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(
            f"{detail[0].upper()}{detail[1:]}.", errors=(FieldError(pointer, self.code, detail),)
        )
