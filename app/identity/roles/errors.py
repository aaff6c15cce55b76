"""Errors about roles."""

from app.core.errors import (
    Conflict,
    FieldError,
    Gone,
    NotFound,
    PermissionDenied,
    Unprocessable,
)


class RoleNotFound(NotFound):
    code = "role_not_found"
    title = "No such role"


class RoleUnknown(Unprocessable):
    """A request names a role that the workspace does not have."""

    code = "role_unknown"
    title = "There is no such role in this workspace"

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(
            f"`{pointer.rpartition('/')[2]}` {detail}.",
            errors=(FieldError(pointer, self.code, detail),),
        )


class RoleAboveOwn(PermissionDenied):
    code = "role_above_own"
    title = "A role with permissions that you lack"


class RoleNameTaken(Conflict):
    code = "role_name_taken"
    title = "A role of this name exists"


class RoleInUse(Conflict):
    code = "role_in_use"
    title = "The role is in use"


class RoleRestoreExpired(Gone):
    code = "role_restore_expired"
    title = "This role was deleted too long ago"
