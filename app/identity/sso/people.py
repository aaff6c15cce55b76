"""What a way of signing in by others must do, and what it tells of a person."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from app.identity.sso.errors import SsoAssertionRefused

MOST_SUBJECT = 1000
_HALF = re.compile("[\ud800-\udfff]")


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

    def __post_init__(self) -> None:
        """Raise SsoAssertionRefused for a person who cannot be stored."""
        if not 0 < len(self.subject) <= MOST_SUBJECT or not _is_plain(self.issuer, self.subject):
            raise SsoAssertionRefused("It names the person in no usable way.")
        if not _is_plain(self.email or "", self.name, *(self.groups or ())):
            raise SsoAssertionRefused("What it tells of the person holds unusable characters.")


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


def _is_plain(*texts: str) -> bool:
    """Whether texts can be stored: Postgres takes no NUL, and UTF-8 no half of a pair."""
    return not any("\x00" in text or _HALF.search(text) for text in texts)
