"""Errors about who owns a workspace."""

from app.core.errors import FieldError, Unprocessable


class NewOwnerUnfit(Unprocessable):
    code = "new_owner_unfit"
    title = "This member cannot own the workspace"

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"`member_id` {detail}.",
            errors=(FieldError("/body/member_id", self.code, detail),),
        )
