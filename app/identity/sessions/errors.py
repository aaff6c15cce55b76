"""Errors about signing in."""

from app.core.errors import PermissionDenied, Unauthenticated


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


class CsrfRefused(PermissionDenied):
    code = "csrf_refused"
    title = "The request may come from another site"


class SessionRequired(PermissionDenied):
    code = "session_required"
    title = "Only a signed-in person may do this"
