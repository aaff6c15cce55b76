"""Signing in by an OpenID Connect provider (Google, Microsoft, and any other)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # type: ignore[import-untyped]
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from app.identity.sso.errors import SsoAssertionRefused, SsoProviderFailed
from app.identity.sso.oidc import exchange, id_tokens
from app.identity.sso.oidc.discovery import Discovery, Published
from app.identity.sso.people import Ask, ExternalPerson, Returned

SCOPES = ("openid", "email", "profile")
MOST_GROUPS = 1000
# Values of `amr` (RFC 8176) that say that a password was not all.
STRONG = frozenset({"mfa", "otp", "hwk", "swk", "fpt", "face", "sc", "ngcmfa"})
# Where Microsoft keeps personal accounts: it owns, and so has verified, their addresses.
MICROSOFT_CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"


def says_verified(claims: Mapping[str, Any]) -> bool | None:
    """What a provider says in `email_verified`; None where it says nothing."""
    told = claims.get("email_verified")
    return None if told is None else told is True or told == "true"


def microsoft_says_verified(claims: Mapping[str, Any]) -> bool | None:
    """Whether Microsoft vouches for an address.

    A tenant's administrator can write any address into `email`; `xms_edov` says that the tenant
    has proven the address's domain.
    """
    if claims.get("tid") == MICROSOFT_CONSUMERS:
        return True
    return claims.get("xms_edov") in (True, 1, "1", "true")


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """This installation, or a workspace, as the client of one provider."""

    discovery: Discovery
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    groups_claim: str = "groups"
    verified: Callable[[Mapping[str, Any]], bool | None] = says_verified
    # Where anyone's tenant may sign in, an address is worth only what `verified` makes of it.
    any_tenant: bool = False

    @property
    def protocol(self) -> Literal["oidc"]:
        return "oidc"

    async def authorization_url(self, ask: Ask) -> str:
        published = await self._published()
        url: str = prepare_grant_uri(
            published.authorization_endpoint,
            self.client_id,
            "code",
            redirect_uri=ask.redirect_uri,
            scope=" ".join(dict.fromkeys((*SCOPES, *self.scopes))),
            state=ask.state,
            nonce=ask.nonce,
            code_challenge=create_s256_code_challenge(ask.pkce_verifier),
            code_challenge_method="S256",
        )
        return url

    async def person(self, ask: Ask, returned: Returned) -> ExternalPerson:
        published = await self._published()
        code = exchange.code_of(
            returned,
            issuers=frozenset({published.issuer}),
            issuer_needed=published.sends_issuer,
        )
        tokens = await exchange.redeem(
            self.discovery.outbound,
            published.token_endpoint,
            ask,
            code,
            client_id=self.client_id,
            client_secret=self.client_secret,
            posts_secret=published.posts_secret,
        )
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise SsoAssertionRefused("The provider gave no ID token.")
        claims = await id_tokens.read(
            self.discovery,
            published,
            id_token,
            client_id=self.client_id,
            nonce=ask.nonce,
            access_token=tokens["access_token"],
        )
        told = claims | await self._user_info(published, claims, tokens["access_token"])
        return self._described(told)

    async def _published(self) -> Published:
        published = await self.discovery.published(self.issuer)
        if published.any_tenant and not self.any_tenant:
            raise SsoProviderFailed("Name the issuer of your own tenant, not of every one.")
        return published

    async def _user_info(
        self, published: Published, claims: dict[str, Any], access_token: str
    ) -> dict[str, Any]:
        """The claims that the ID token left out; nothing where it has what we need."""
        if "email" in claims or published.userinfo_endpoint is None:
            return {}
        answer = await exchange.with_token(
            self.discovery.outbound, published.userinfo_endpoint, access_token
        )
        told = exchange.json_object(answer)
        if told.get("sub") != claims["sub"]:
            raise SsoAssertionRefused("The provider tells of two different people.")
        return {name: value for name, value in told.items() if name not in claims}

    def _described(self, claims: Mapping[str, Any]) -> ExternalPerson:
        email, name = claims.get("email"), claims.get("name")
        methods = claims.get("amr")
        return ExternalPerson(
            issuer=claims["iss"],
            subject=claims["sub"],
            email=email if isinstance(email, str) else None,
            email_verified=self.verified(claims),
            name=name[:200] if isinstance(name, str) else "",
            groups=_groups(claims.get(self.groups_claim)),
            second_factor=isinstance(methods, list) and bool(STRONG & set(map(str, methods))),
        )


def _groups(told: object) -> tuple[str, ...] | None:
    if isinstance(told, str):
        return (told,)
    if isinstance(told, list):
        return tuple(str(group) for group in told[:MOST_GROUPS] if isinstance(group, str))
    return None
