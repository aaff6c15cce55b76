"""Every way of signing in by others that is set up: the installation's, and each connection's."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from app.core.config import Settings
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.identity.connections import crud as connections
from app.identity.connections.models import SsoConnection
from app.identity.connections.rules import domain_of
from app.identity.connections.service import sealing_context
from app.identity.sso.errors import SsoNotAvailable
from app.identity.sso.flows import Choice, Flows
from app.identity.sso.oidc.discovery import Discovery
from app.identity.sso.oidc.github import GithubProvider
from app.identity.sso.oidc.provider import OidcProvider, microsoft_says_verified
from app.identity.sso.people import Way
from app.identity.sso.saml.provider import saml_way

GOOGLE_ISSUER = "https://accounts.google.com"
CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class _Client:
    name: str
    id: str
    secret: SecretStr | None


def _clients(settings: Settings) -> Mapping[str, _Client]:
    """The clients of this installation, by provider."""
    given = {
        "google": _Client("Google", settings.google_client_id, settings.google_client_secret),
        "github": _Client("GitHub", settings.github_client_id, settings.github_client_secret),
        "microsoft": _Client(
            "Microsoft", settings.microsoft_client_id, settings.microsoft_client_secret
        ),
        "oidc": _Client(
            settings.oidc_name,
            settings.oidc_client_id if settings.oidc_issuer else "",
            settings.oidc_client_secret,
        ),
    }
    return {provider: c for provider, c in given.items() if c.id and c.secret is not None}


def installed(settings: Settings) -> dict[str, str]:
    """The name of each provider that this installation is a client of, by its id."""
    return {provider: client.name for provider, client in _clients(settings).items()}


class Ways:
    """One a process: finds the way behind a choice."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._discovery = Discovery(kernel.outbound)

    async def find(self, choice: Choice, base_url: str) -> Way:
        """The way of a choice; raises SsoNotAvailable, and SamlNotInstalled where that is so."""
        if choice.connection_id is None:
            return self._installed(choice.provider)
        async with self._kernel.database.unit(SYSTEM) as session:
            connection = await connections.find_living(session, choice.connection_id)
        if connection is None:
            raise SsoNotAvailable
        return self._connected(connection, base_url)

    async def by_domain(self, email: str) -> Choice:
        """The choice for an address, by its domain alone; raises SsoNotAvailable."""
        async with self._kernel.database.unit(SYSTEM) as session:
            connection = await connections.find_by_domain(session, domain_of(email))
        if connection is None:
            raise SsoNotAvailable("No organisation signs in here with this domain.")
        return Choice(CONNECTION, connection.id)

    def _installed(self, provider: str) -> Way:
        settings = self._kernel.settings
        client = _clients(settings).get(provider)
        if client is None or client.secret is None:
            raise SsoNotAvailable
        secret = client.secret.get_secret_value()
        if provider == "github":
            return GithubProvider(self._kernel.outbound, client.id, secret, settings.github_url)
        if provider == "microsoft":
            issuer = f"{settings.microsoft_url}/{settings.microsoft_tenant}/v2.0"
            return OidcProvider(
                self._discovery,
                issuer,
                client.id,
                secret,
                verified=microsoft_says_verified,
                any_tenant=True,
            )
        issuer = GOOGLE_ISSUER if provider == "google" else settings.oidc_issuer
        return OidcProvider(self._discovery, issuer, client.id, secret)

    def _connected(self, connection: SsoConnection, base_url: str) -> Way:
        given = connection.settings
        if given["type"] == "saml":
            flows = Flows(self._kernel.valkey, self._kernel.vault)
            return saml_way(connection, base_url, flows)
        if connection.sealed_client_secret is None:
            raise SsoNotAvailable
        return OidcProvider(
            self._discovery,
            given["issuer"],
            given["client_id"],
            self._kernel.vault.open(
                connection.sealed_client_secret, context=sealing_context(connection.id)
            ),
            scopes=tuple(given["scopes"]),
            groups_claim=given["groups_claim"],
        )
