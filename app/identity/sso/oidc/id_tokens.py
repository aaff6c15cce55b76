"""ID tokens, checked in full: signature, algorithm, issuer, audience, times, nonce, at_hash."""

import re
from collections.abc import Callable
from typing import Any

from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.identity.sso.errors import SsoAssertionRefused
from app.identity.sso.oidc.discovery import TENANT, Discovery, Published

# Asymmetric ones alone: a provider's public key must never serve as a shared secret.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
)  # fmt: skip
LEEWAY_SECONDS = 60
MOST_CHARACTERS = 65_536
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def read(
    discovery: Discovery,
    published: Published,
    token: str,
    *,
    client_id: str,
    nonce: str,
    access_token: str | None,
) -> dict[str, Any]:
    """The claims of an ID token; raises SsoAssertionRefused and SsoProviderFailed."""
    kid = _key_id(token)
    keys = await discovery.keys(published, kid)
    header, claims = _verified(token, keys, kid)
    issuer = _expected_issuer(published, claims)
    checked = CodeIDToken(
        claims,
        header,
        options={
            "iss": {"essential": True, "value": issuer},
            "sub": {"essential": True},
            "aud": {"essential": True, "value": client_id},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        },
        params={"nonce": nonce, "client_id": client_id, "access_token": access_token},
    )
    _trusted(lambda: checked.validate(leeway=LEEWAY_SECONDS))
    return dict(claims)


def _key_id(token: str) -> str | None:
    """Which key a token says it was signed with; nothing of it is believed yet."""
    if len(token) > MOST_CHARACTERS:
        raise SsoAssertionRefused("The ID token is too long.")
    header = _trusted(lambda: jws.extract_compact(token.encode()).headers())
    if header.get("alg") not in ALGORITHMS:
        raise SsoAssertionRefused("The ID token is signed by an algorithm that is not taken.")
    kid = header.get("kid")
    return kid if isinstance(kid, str) else None


def _verified(token: str, keys: KeySet, kid: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token that one of these keys signed."""
    key = _trusted(lambda: keys.get_by_kid(kid))
    found = _trusted(lambda: jwt.decode(token, key, algorithms=list(ALGORITHMS)))
    if not isinstance(found.claims.get("sub"), str) or not found.claims["sub"]:
        raise SsoAssertionRefused("The ID token names no subject.")
    return dict(found.header), dict(found.claims)


def _expected_issuer(published: Published, claims: dict[str, Any]) -> str:
    if not published.any_tenant:
        return published.issuer
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise SsoAssertionRefused("The ID token names no tenant.")
    return published.issuer.replace(TENANT, tenant)


def _trusted(check: Callable[[], Any]) -> Any:
    """What a check gives, or a refusal where it fails in whatever way."""
    try:
        return check()
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SsoAssertionRefused(f"The ID token is refused: {type(error).__name__}.") from error
