"""The routers of this room, for the composition root."""

from app.identity.accounts.router import router as accounts
from app.identity.api_keys.router import router as api_keys
from app.identity.enrolment.passkeys_router import router as passkeys
from app.identity.enrolment.router import router as second_factors
from app.identity.invitations.router import router as invitations
from app.identity.members.router import router as members
from app.identity.ownership.router import router as ownership
from app.identity.roles.router import router as roles
from app.identity.scim.edge import router as scim
from app.identity.scim.tokens_router import router as scim_tokens
from app.identity.service_accounts.router import router as service_accounts
from app.identity.sessions.devices_router import router as devices
from app.identity.sessions.proving_router import router as proving
from app.identity.sessions.router import router as sessions
from app.identity.sessions.router import well_known
from app.identity.sso.connections_router import router as sso_connections
from app.identity.sso.domains_router import router as sso_domains
from app.identity.sso.identities_router import router as identities
from app.identity.sso.router import router as sso
from app.identity.sso.saml_router import router as saml
from app.identity.tickets.router import router as tickets
from app.identity.users.router import router as users
from app.identity.workspaces.router import router as workspaces

ROUTERS = (
    users,
    accounts,
    sessions,
    proving,
    devices,
    second_factors,
    passkeys,
    tickets,
    well_known,
    workspaces,
    ownership,
    members,
    invitations,
    roles,
    service_accounts,
    api_keys,
    sso,
    saml,
    identities,
    sso_connections,
    sso_domains,
    scim_tokens,
    scim,
)
