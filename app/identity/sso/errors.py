"""Errors about signing in by others.

Those that come up while the browser is away from the frontend reach it as `#error=<code>`.
"""

from app.core.errors import (
    BadRequest,
    Conflict,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    UpstreamFailed,
)


class SsoNotAvailable(NotFound):
    """One answer for an unknown provider, connection and domain: no account is told of."""

    code = "sso_not_available"
    title = "No such way to sign in"


class RedirectRefused(BadRequest):
    code = "redirect_refused"
    title = "The browser may not be sent there"


class SsoStateInvalid(BadRequest):
    code = "sso_state_invalid"
    title = "The sign-in was not begun here"


class SsoCodeInvalid(Unauthenticated):
    code = "sso_code_invalid"
    title = "The code is not valid"


class SsoDenied(PermissionDenied):
    code = "sso_denied"
    title = "The other service did not sign the person in"


class SsoProviderFailed(UpstreamFailed):
    code = "sso_provider_failed"
    title = "The other service does not answer as it should"


class SsoAssertionRefused(Unauthenticated):
    code = "sso_assertion_refused"
    title = "What the other service says of the person cannot be trusted"


class SsoEmailUnverified(PermissionDenied):
    code = "sso_email_unverified"
    title = "The other service has not verified the e-mail address"


class SsoEmailForeign(PermissionDenied):
    code = "sso_email_foreign"
    title = "The e-mail address is not of the organisation's domain"


class SsoAccountExists(Conflict):
    code = "sso_account_exists"
    title = "An account with this e-mail address exists"


class SsoNotAMember(PermissionDenied):
    code = "sso_not_a_member"
    title = "Not a member of the organisation's workspace"


class SamlNotInstalled(NotFound):
    code = "saml_not_installed"
    title = "SAML is not installed here"


class IdentityNotFound(NotFound):
    code = "identity_not_found"
    title = "No such linked account"


class IdentityTaken(Conflict):
    code = "identity_taken"
    title = "The other account is linked already"


class IdentityLastWayIn(Conflict):
    code = "identity_last_way_in"
    title = "There would be no way left to sign in"
