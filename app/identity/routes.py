"""The routers of this room, for the composition root."""

from typing import Final

from app.core.http.late_router import LateRouter

ROUTERS: Final = (
    LateRouter("app.identity.users.router", "/v1/auth", "/v1/me", "/v1/users"),
    LateRouter("app.identity.accounts.router", "/v1/auth", "/v1/me"),
    LateRouter("app.identity.sessions.router", "/v1/auth"),
    LateRouter("app.identity.sessions.proving_router", "/v1/auth"),
    LateRouter("app.identity.sessions.devices_router", "/v1/sessions"),
    LateRouter("app.identity.enrolment.router", "/v1/me"),
    LateRouter("app.identity.enrolment.passkeys_router", "/v1/me"),
    LateRouter("app.identity.tickets.router", "/v1/stream-tickets"),
    LateRouter("app.identity.sessions.router:well_known", "/.well-known/jwks.json"),
    LateRouter("app.identity.workspaces.router", "/v1/workspaces"),
    LateRouter("app.identity.ownership.router", "/v1/workspaces"),
    LateRouter("app.identity.members.router", "/v1/members"),
    LateRouter("app.identity.invitations.router", "/v1/invitations"),
    LateRouter("app.identity.roles.router", "/v1/roles"),
    LateRouter("app.identity.service_accounts.router", "/v1/service-accounts"),
    LateRouter("app.identity.api_keys.router", "/v1/api-keys"),
    LateRouter("app.identity.sso.router", "/v1/auth"),
    LateRouter("app.identity.sso.saml_router", "/v1/auth"),
    LateRouter("app.identity.sso.identities_router", "/v1/me"),
    LateRouter("app.identity.sso.connections_router", "/v1/sso-connections"),
    LateRouter("app.identity.sso.domains_router", "/v1/sso-domains"),
    LateRouter("app.identity.scim.tokens_router", "/v1/scim-tokens"),
    LateRouter("app.identity.scim.routes", "/scim/v2"),
)
