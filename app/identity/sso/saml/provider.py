"""Signing in by a SAML 2.0 identity provider: the browser takes a request and posts an answer."""

import base64
import zlib
from dataclasses import dataclass
from datetime import UTC
from importlib.util import find_spec
from typing import Any, Literal
from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr  # nosec B406

from app.core.clock import now
from app.identity.connections.models import SsoConnection
from app.identity.sso.errors import SamlNotInstalled, SsoAssertionRefused, SsoDenied
from app.identity.sso.flows import Flows, digest
from app.identity.sso.people import Ask, ExternalPerson, Returned
from app.identity.sso.redirects import SAML

MOST_CHARACTERS = 500_000
# Longer than any assertion is taken for.
REPLAY_SECONDS = 86_400
_STRONG = ("TimeSyncToken", "Smartcard", "MobileTwoFactor", "multipleauthn", "TwoFactor", "mfa")


def is_installed() -> bool:
    """Whether the extra `saml` is."""
    return find_spec("onelogin") is not None and find_spec("xmlsec") is not None


def entity_id(connection: SsoConnection, base_url: str) -> str:
    """What a connection's provider knows us by; its metadata is found there."""
    return f"{base_url}/v1/auth/sso/saml/{connection.id}/metadata"


def saml_way(connection: SsoConnection, base_url: str, flows: Flows) -> "SamlProvider":
    """The way of a SAML connection; raises SamlNotInstalled."""
    if not is_installed():
        raise SamlNotInstalled("An operator can install it: `pip install luminous[saml]`.")
    given = connection.settings
    return SamlProvider(
        flows=flows,
        given=given,
        entity_id=entity_id(connection, base_url),
        acs_url=base_url + SAML,
    )


@dataclass(frozen=True, slots=True)
class SamlProvider:
    """A workspace as the service provider of one identity provider."""

    flows: Flows
    given: dict[str, Any]
    entity_id: str
    acs_url: str

    @property
    def protocol(self) -> Literal["saml"]:
        return "saml"

    async def authorization_url(self, ask: Ask) -> str:
        request = (
            '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
            'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0" '
            f'ID="{_request_id(ask)}" IssueInstant="{now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" '
            f"Destination={quoteattr(self.given['sso_url'])} "
            f"AssertionConsumerServiceURL={quoteattr(self.acs_url)} "
            'ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST">'
            f"<saml:Issuer>{self.entity_id}</saml:Issuer></samlp:AuthnRequest>"
        )
        deflated = zlib.compress(request.encode(), wbits=-15)
        query = {"SAMLRequest": base64.b64encode(deflated).decode(), "RelayState": ask.state}
        separator = "&" if "?" in self.given["sso_url"] else "?"
        return f"{self.given['sso_url']}{separator}{urlencode(query)}"

    async def person(self, ask: Ask, returned: Returned) -> ExternalPerson:
        posted = returned.parameters.get("SAMLResponse", "")
        if not posted or len(posted) > MOST_CHARACTERS:
            raise SsoAssertionRefused("The answer holds no SAML response.")
        # The library is an extra: nothing of it is loaded where it is not used.
        from app.identity.sso.saml import checking  # noqa: PLC0415

        asserted = checking.check(
            posted,
            checking.Expected(
                entity_id=self.entity_id,
                acs_url=self.acs_url,
                request_id=_request_id(ask),
                issuer=self.given["entity_id"],
                certificates=tuple(self.given["certificates"]),
            ),
        )
        if asserted is None:
            raise SsoDenied("It answered that it did not.")
        once = f"{self.entity_id} {asserted.assertion_id}"
        if not await self.flows.first_use(once, REPLAY_SECONDS):
            raise SsoAssertionRefused("The assertion was used before.")
        return self._described(asserted.name_id, asserted.attributes, asserted.contexts)

    def _described(
        self, name_id: str, attributes: dict[str, list[str]], contexts: list[str]
    ) -> ExternalPerson:
        email = _first(attributes, self.given["email_attribute"])
        groups = attributes.get(self.given["groups_attribute"])
        return ExternalPerson(
            issuer=self.given["entity_id"],
            subject=name_id,
            email=email or (name_id if "@" in name_id else None),
            name=(_first(attributes, self.given["name_attribute"]) or "")[:200],
            groups=tuple(groups[:1000]) if groups is not None else None,
            second_factor=any(mark in each for each in contexts for mark in _STRONG),
        )


def metadata(connection: SsoConnection, base_url: str) -> str:
    """What an identity provider is told of us."""
    return (
        '<?xml version="1.0"?>\n'
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
        f"entityID={quoteattr(entity_id(connection, base_url))}>"
        '<md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true" '
        'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        '<md:AssertionConsumerService index="1" '
        'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" '
        f"Location={quoteattr(base_url + SAML)}/>"
        "</md:SPSSODescriptor></md:EntityDescriptor>\n"
    )


def _request_id(ask: Ask) -> str:
    return f"_{digest(ask.nonce)}"


def _first(attributes: dict[str, list[str]], name: str) -> str | None:
    return next(iter(attributes.get(name, ())), None)
