"""Errors about sharing."""

from app.core.errors import (
    Conflict,
    FieldError,
    NotFound,
    PermissionDenied,
    Unprocessable,
)


class ShareNotFound(NotFound):
    code = "share_not_found"
    title = "No such share"


class SharedLinkNotFound(NotFound):
    code = "shared_link_not_found"
    title = "The link leads nowhere"


class AlreadyShared(Conflict):
    code = "already_shared"
    title = "It is shared with them already"


class NotYours(PermissionDenied):
    code = "not_yours"
    title = "Only its owner may do this"


class SharedToRead(PermissionDenied):
    code = "shared_to_read"
    title = "It is shared with you to read"


class ShareInvalid(Unprocessable):
    code = "share_invalid"
    title = "It cannot be shared like this"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(
            f"`{pointer.rpartition('/')[2]}` {detail}.",
            errors=(FieldError(pointer, self.code, detail),),
        )
