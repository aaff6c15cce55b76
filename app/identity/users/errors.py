"""Errors about accounts."""

from app.core.errors import Conflict, NotFound, PermissionDenied


class EmailTaken(Conflict):
    code = "email_taken"
    title = "An account with this e-mail address exists"


class RegistrationClosed(PermissionDenied):
    code = "registration_closed"
    title = "Registration is closed"


class UserNotFound(NotFound):
    code = "user_not_found"
    title = "No such user"


class WrongCurrentPassword(PermissionDenied):
    code = "wrong_current_password"
    title = "The current password is another one"
