"""What a way of signing in by others must do, and what it tells of a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Ask:
    """One sign-in under way: what was sent along with the browser, to be compared on its return."""

    state: str
    nonce: str
    pkce_verifier: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """Whom another service says it has signed in.

    `email_verified` is None where it does not say. `groups` is None where it tells of none.
    `second_factor` is whether it says that it asked for more than a password.
    """

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool | None = None
    name: str = ""
    groups: tuple[str, ...] | None = None
    second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """What the browser brought back: the parameters of the query, or of a posted form."""

    parameters: Mapping[str, str] = field(default_factory=dict)


class Way(Protocol):
    """One provider that people can sign in by."""

    @property
    def protocol(self) -> Literal["oidc", "saml"]:
        """How the browser comes back: led by the provider, or with a posted form."""
        ...

    async def authorization_url(self, ask: Ask) -> str:
        """Where to send the browser; raises SsoProviderFailed."""
        ...

    async def person(self, ask: Ask, returned: Returned) -> ExternalPerson:
        """Who came back.

        Raises SsoDenied, SsoProviderFailed and SsoAssertionRefused.
        """
        ...
