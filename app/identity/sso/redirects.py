"""The addresses of this service that providers send the browser back to."""

OIDC = "/v1/auth/sso/callback"
SAML = "/v1/auth/sso/saml/acs"


def redirect_uri(protocol: str, base_url: str) -> str:
    """What a provider must have registered, exactly."""
    return base_url + (SAML if protocol == "saml" else OIDC)
