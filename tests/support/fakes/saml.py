"""A SAML identity provider: builds responses and signs their assertions."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from onelogin.saml2.utils import OneLogin_Saml2_Utils

ISSUER = "https://idp.example/saml"
SSO_URL = "https://idp.example/sso"


def at(seconds: float) -> str:
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def unchanged(text: str) -> str:
    return text


@dataclass
class Said:
    """What a response says; each field can be made wrong."""

    audience: str
    recipient: str
    in_response_to: str
    name_id: str
    issuer: str = ISSUER
    destination: str | None = None
    expires: float = 300
    assertion_id: str = field(default_factory=lambda: f"_{uuid4().hex}")
    attributes: dict[str, list[str]] = field(default_factory=dict)
    status: str = "Success"
    before_signing: Callable[[str], str] = unchanged
    after_signing: Callable[[str], str] = unchanged
    signed: bool = True


class FakeSaml:
    def __init__(self) -> None:
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=30))
            .sign(key, hashes.SHA256())
        )
        self.key = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()

    def respond(self, said: Said) -> str:
        """A response as the browser posts it."""
        assertion = said.before_signing(self._assertion(said))
        if said.signed:
            assertion = OneLogin_Saml2_Utils.add_sign(
                assertion,
                self.key,
                self.certificate,
                sign_algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                digest_algorithm="http://www.w3.org/2001/04/xmlenc#sha256",
            ).decode()
        response = self._response(said, assertion if said.status == "Success" else "")
        return base64.b64encode(said.after_signing(response).encode()).decode()

    @staticmethod
    def _assertion(said: Said) -> str:
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{v}</saml:AttributeValue>" for v in values)
            + "</saml:Attribute>"
            for name, values in said.attributes.items()
        )
        return (
            '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0" '
            f'ID="{said.assertion_id}" IssueInstant="{at(0)}">'
            f"<saml:Issuer>{said.issuer}</saml:Issuer><saml:Subject>"
            f"<saml:NameID>{said.name_id}</saml:NameID>"
            '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData InResponseTo="{said.in_response_to}" '
            f'Recipient="{said.recipient}" NotOnOrAfter="{at(said.expires)}"/>'
            "</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{at(said.expires - 600)}" '
            f'NotOnOrAfter="{at(said.expires)}"><saml:AudienceRestriction>'
            f"<saml:Audience>{said.audience}</saml:Audience></saml:AudienceRestriction>"
            f'</saml:Conditions><saml:AuthnStatement AuthnInstant="{at(0)}"><saml:AuthnContext>'
            "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            + (
                f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>"
                if attributes
                else ""
            )
            + "</saml:Assertion>"
        )

    @staticmethod
    def _response(said: Said, assertion: str) -> str:
        destination = f' Destination="{said.destination}"' if said.destination else ""
        return (
            '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
            'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0" '
            f'ID="_{uuid4().hex}" IssueInstant="{at(0)}" '
            f'InResponseTo="{said.in_response_to}"{destination}>'
            f"<saml:Issuer>{said.issuer}</saml:Issuer><samlp:Status>"
            f'<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{said.status}"/>'
            f"</samlp:Status>{assertion}</samlp:Response>"
        )
