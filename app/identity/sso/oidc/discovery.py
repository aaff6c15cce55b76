"""What OpenID providers publish of themselves: their endpoints and keys, kept for a while."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.core.errors import AppError
from app.core.outbound import Outbound, OutboundFailed
from app.identity.sso.errors import SsoProviderFailed

STALE_SECONDS = 3600.0
UNKNOWN_KEY_SECONDS = 5.0  # a made-up key id makes us look no more often than this
MOST_KEPT = 500
MOST_KEYS = 100
TENANT = "{tenantid}"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Published:
    """The discovery document of a provider, checked for what a sign-in needs."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    posts_secret: bool
    sends_issuer: bool

    @property
    def any_tenant(self) -> bool:
        """Whether it speaks for every tenant of Microsoft's, whose tokens name theirs."""
        return TENANT in self.issuer


class Discovery:
    """One a process: remembers discovery documents and key sets of providers."""

    def __init__(self, outbound: Outbound) -> None:
        self.outbound = outbound
        self._kept: OrderedDict[str, tuple[float, Any]] = OrderedDict()

    async def published(self, issuer: str) -> Published:
        """What a provider publishes; raises SsoProviderFailed."""

        async def read() -> Published:
            url = issuer.rstrip("/") + "/.well-known/openid-configuration"
            return self._checked(issuer, await self._document(url))

        found: Published = await self._fresh(f"issuer {issuer}", STALE_SECONDS, read)
        return found

    async def keys(self, published: Published, kid: str | None) -> KeySet:
        """A provider's keys, read again where none has this id; raises SsoProviderFailed."""
        name = f"keys {published.jwks_uri}"

        async def read() -> KeySet:
            return _key_set(await self._document(published.jwks_uri))

        found: KeySet = await self._fresh(name, STALE_SECONDS, read)
        if kid is not None and all(key.kid != kid for key in found):
            found = await self._fresh(name, UNKNOWN_KEY_SECONDS, read)
        return found

    async def _fresh(self, name: str, seconds: float, read: Callable[[], Awaitable[Any]]) -> Any:
        kept = self._kept.get(name)
        if kept is not None and time.monotonic() - kept[0] <= seconds:
            return kept[1]
        value = await read()
        self._kept[name] = (time.monotonic(), value)
        self._kept.move_to_end(name)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return value

    async def _document(self, url: str) -> dict[str, Any]:
        try:
            answer = await self.outbound.fetch("GET", url, headers={"Accept": "application/json"})
            if answer.status != 200:
                raise OutboundFailed(f"{answer.host} answered with status {answer.status}.")
            return answer.json_object()
        except AppError as error:
            raise SsoProviderFailed(error.detail) from error

    def _checked(self, issuer: str, document: dict[str, Any]) -> Published:
        told = document.get("issuer")
        if told != issuer and not (isinstance(told, str) and TENANT in told):
            raise SsoProviderFailed("The discovery document names another issuer.")
        for name in _ENDPOINTS:
            self._check_address(name, document.get(name))
        userinfo = document.get("userinfo_endpoint")
        methods = document.get("token_endpoint_auth_methods_supported")
        return Published(
            issuer=str(told),
            authorization_endpoint=document["authorization_endpoint"],
            token_endpoint=document["token_endpoint"],
            jwks_uri=document["jwks_uri"],
            userinfo_endpoint=userinfo if isinstance(userinfo, str) else None,
            posts_secret=isinstance(methods, list) and "client_secret_basic" not in methods,
            sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _check_address(self, name: str, value: object) -> None:
        if not isinstance(value, str):
            raise SsoProviderFailed(f"The discovery document names no {name}.")
        try:
            self.outbound.check_url(value)
        except AppError as error:
            raise SsoProviderFailed(f"{name}: {error.detail}") from None


def _key_set(document: dict[str, Any]) -> KeySet:
    keys = document.get("keys")
    usable = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
    signing = [key for key in usable if key.get("use", "sig") == "sig" and key.get("kty") != "oct"]
    try:
        return KeySet.import_key_set({"keys": signing[:MOST_KEYS]})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SsoProviderFailed("The provider's keys cannot be read.") from error
