"""Errors about API keys."""

from app.core.errors import Conflict, NotFound, PermissionDenied, Unauthenticated


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


class ApiKeyEnded(Conflict):
    code = "api_key_ended"
    title = "The API key was revoked or has expired"


class ApiKeyAddressRefused(PermissionDenied):
    code = "api_key_address_refused"
    title = "The API key does not serve this address"


class ScopeNotHeld(PermissionDenied):
    code = "scope_not_held"
    title = "A key cannot be given what its creator lacks"


class KeyFreerThanOwn(PermissionDenied):
    code = "key_freer_than_own"
    title = "A key cannot make or change one to be freer than itself"
