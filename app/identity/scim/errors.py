"""Errors about directories' credentials; the protocol has an envelope of its own."""

from app.core.errors import NotFound, Unauthenticated


class ScimTokenNotFound(NotFound):
    code = "scim_token_not_found"
    title = "No such SCIM token"


class ScimTokenInvalid(Unauthenticated):
    code = "scim_token_invalid"
    title = "The SCIM token is not valid"
