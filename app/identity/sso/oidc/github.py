"""Signing in by GitHub: OAuth 2.0, with the verified primary address from its API."""

from dataclasses import dataclass, field
from typing import Any, Literal

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from app.core.errors import AppError
from app.core.outbound import Outbound
from app.identity.sso.errors import SsoProviderFailed
from app.identity.sso.oidc import exchange
from app.identity.sso.people import Ask, ExternalPerson, Returned

HOME = "https://github.com"
API = "https://api.github.com"


@dataclass(frozen=True, slots=True)
class GithubProvider:
    """This installation as an OAuth app of github.com, or of an Enterprise Server at `url`."""

    outbound: Outbound
    client_id: str
    client_secret: str = field(repr=False)
    url: str = HOME

    @property
    def protocol(self) -> Literal["oidc"]:
        return "oidc"

    async def authorization_url(self, ask: Ask) -> str:
        url: str = prepare_grant_uri(
            f"{self.url}/login/oauth/authorize",
            self.client_id,
            "code",
            redirect_uri=ask.redirect_uri,
            scope="read:user user:email",
            state=ask.state,
            code_challenge=create_s256_code_challenge(ask.pkce_verifier),
            code_challenge_method="S256",
        )
        return url

    async def person(self, ask: Ask, returned: Returned) -> ExternalPerson:
        code = exchange.code_of(
            returned,
            issuers=frozenset({self.url, f"{self.url}/login/oauth"}),
            issuer_needed=False,
        )
        tokens = await exchange.redeem(
            self.outbound,
            f"{self.url}/login/oauth/access_token",
            ask,
            code,
            client_id=self.client_id,
            client_secret=self.client_secret,
            posts_secret=True,
        )
        user = await self._get("/user", tokens["access_token"])
        emails = await self._get("/user/emails", tokens["access_token"])
        if not isinstance(user, dict) or not isinstance(user.get("id"), int):
            raise SsoProviderFailed("GitHub does not say who the person is.")
        email, verified = _primary(emails)
        name = user.get("name") or user.get("login")
        return ExternalPerson(
            issuer=self.url,
            subject=str(user["id"]),
            email=email,
            email_verified=verified,
            name=name[:200] if isinstance(name, str) else "",
        )

    async def _get(self, path: str, access_token: str) -> Any:
        base = API if self.url == HOME else f"{self.url}/api/v3"
        answer = await exchange.with_token(self.outbound, base + path, access_token)
        try:
            return answer.json()
        except AppError as error:
            raise SsoProviderFailed(error.detail) from error


def _primary(emails: object) -> tuple[str | None, bool]:
    """The primary address, and whether GitHub has verified it."""
    for entry in emails if isinstance(emails, list) else []:
        if isinstance(entry, dict) and entry.get("primary") is True:
            email = entry.get("email")
            return (email if isinstance(email, str) else None), entry.get("verified") is True
    return None, False
