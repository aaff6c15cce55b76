"""Errors about API keys."""

from app.core.errors import NotFound, PermissionDenied, Unauthenticated


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"
    title = "No such API key"


class ApiKeyInvalid(Unauthenticated):
    code = "api_key_invalid"
    title = "The API key is not valid"


class ApiKeyRevoked(Unauthenticated):
    code = "api_key_revoked"
    title = "The API key was revoked"


class ApiKeyExpired(Unauthenticated):
    code = "api_key_expired"
    title = "The API key has expired"


class ScopeNotHeld(PermissionDenied):
    code = "scope_not_held"
    title = "A key cannot be given what its creator lacks"
