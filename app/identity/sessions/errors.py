"""Errors about signing in."""

from collections.abc import Sequence
from typing import Any

from app.core.errors import NotFound, PermissionDenied, Unauthenticated
from app.identity.factors.methods import Method, in_words


class CredentialsRefused(Unauthenticated):
    """One answer for an unknown address and for a wrong password."""

    code = "credentials_refused"
    title = "E-mail address or password is wrong"


class TokenInvalid(Unauthenticated):
    code = "token_invalid"
    title = "The access token is not valid"


class TokenExpired(Unauthenticated):
    code = "token_expired"
    title = "The access token has expired"


class RefreshTokenMissing(Unauthenticated):
    code = "refresh_token_missing"
    title = "No refresh token"


class RefreshTokenInvalid(Unauthenticated):
    code = "refresh_token_invalid"
    title = "The refresh token is not valid"


class RefreshTokenReused(Unauthenticated):
    code = "refresh_token_reused"
    title = "The refresh token was used before"


class SessionRequired(PermissionDenied):
    code = "session_required"
    title = "Only a signed-in person may do this"


class StepUpRequired(PermissionDenied):
    """Prove once more who you are with `POST /v1/auth/step-up`, then repeat the request.

    The problem document names what the account can use in `methods`.
    """

    code = "step_up_required"
    title = "Prove once more who you are"

    def __init__(self, methods: Sequence[Method]) -> None:
        way = f"Call /v1/auth/step-up with {in_words(methods)}" if methods else "Sign in again"
        super().__init__(f"{way}, then repeat this request within ten minutes.")
        self.methods = methods

    def problem(
        self, *, instance: str | None = None, request_id: str | None = None
    ) -> dict[str, Any]:
        shown = super().problem(instance=instance, request_id=request_id)
        return {**shown, "methods": list(self.methods)}


class SessionNotFound(NotFound):
    code = "session_not_found"
    title = "No such session"
