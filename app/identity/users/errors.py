"""Errors about accounts."""

from app.core.errors import (
    Conflict,
    FieldError,
    NotFound,
    PermissionDenied,
    TooManyRequests,
    Unauthenticated,
    Unprocessable,
)


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


class AccountInactive(Unauthenticated):
    code = "account_inactive"
    title = "The account is not active"


class AccountDeactivated(PermissionDenied):
    """Told only to who has just given the account's password."""

    code = "account_deactivated"
    title = "The account is deactivated"


class AccountDeleted(PermissionDenied):
    """Told only to who has just given the account's password."""

    code = "account_deleted"
    title = "The account is deleted"


class EmailUnverified(PermissionDenied):
    code = "email_unverified"
    title = "The e-mail address is not confirmed"


class TokenRefused(Unprocessable):
    """One answer for a token that never was, was used, or is out of its time."""

    code = "token_refused"
    title = "This token is not valid, or no longer"

    def __init__(self) -> None:
        super().__init__(
            "Ask for another one: a token is used once, and within its time.",
            errors=(FieldError("/body/token", self.code, "is not valid, or no longer"),),
        )


class TooMuchMail(TooManyRequests):
    code = "too_much_mail"
    title = "Several mails were sent to this address already"


class AvatarNotFound(NotFound):
    code = "avatar_not_found"
    title = "No such picture"


class PictureRefused(Unprocessable):
    """Not a PNG, JPEG or WebP file that can be shown."""

    code = "picture_refused"
    title = "This is no picture that can be taken"
