"""SAML responses, checked by python3-saml and then more strictly than it does.

The library refuses document types and entities, wrapped and unsigned assertions, old algorithms,
other issuers and times gone by. It lets an answer leave out its audience, its recipient and the
request that it answers, and compares addresses by their beginnings: here they must all be there,
and be ours exactly.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names  # type: ignore[import-untyped]
from onelogin.saml2.errors import (  # type: ignore[import-untyped]
    OneLogin_Saml2_Error,
    OneLogin_Saml2_ValidationError,
)
from onelogin.saml2.response import OneLogin_Saml2_Response  # type: ignore[import-untyped]
from onelogin.saml2.settings import OneLogin_Saml2_Settings  # type: ignore[import-untyped]
from xmlsec import Error as SignatureError

from app.identity.sso.errors import SsoAssertionRefused


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer must be for, and who must have signed it."""

    entity_id: str
    acs_url: str
    request_id: str
    issuer: str
    certificates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asserted:
    """What a signed assertion says."""

    assertion_id: str
    name_id: str
    attributes: dict[str, list[str]]
    contexts: list[str]


def check(posted: str, expected: Expected) -> Asserted | None:
    """What a posted response asserts; None where the provider signed no one in.

    Raises SsoAssertionRefused.
    """
    try:
        response = OneLogin_Saml2_Response(_settings(expected), posted)
        if not _is_success(response):
            return None
        response.is_valid(
            _request_data(expected.acs_url), expected.request_id, raise_exceptions=True
        )
        _check_bindings(response, expected)
        return Asserted(
            assertion_id=response.get_assertion_id(),
            name_id=response.get_nameid(),
            attributes=_attributes(response),
            contexts=response.get_authn_contexts(),
        )
    except SsoAssertionRefused:
        raise
    except (
        OneLogin_Saml2_Error,
        OneLogin_Saml2_ValidationError,
        SignatureError,
        etree.LxmlError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
    ) as error:
        raise SsoAssertionRefused(f"The SAML response is refused: {error}"[:300]) from error


def _is_success(response: Any) -> bool:
    codes = response.document.xpath(
        "/samlp:Response/samlp:Status/samlp:StatusCode/@Value", namespaces=Names.NSMAP
    )
    return not codes or codes == [Names.STATUS_SUCCESS]


def _check_bindings(response: Any, expected: Expected) -> None:
    """The audience, the recipient and the request, each there and each exactly ours."""
    if expected.entity_id not in response.get_audiences():
        raise SsoAssertionRefused("The assertion is for another audience.")
    destination = response.document.get("Destination")
    if destination is not None and destination != expected.acs_url:
        raise SsoAssertionRefused("The response was meant for another address.")
    if response.get_in_response_to() != expected.request_id:
        raise SsoAssertionRefused("The response answers another request.")
    confirmations = response._query_assertion(  # noqa: SLF001 - of the signed assertion alone
        "/saml:Subject/saml:SubjectConfirmation[@Method="
        f"'{Names.CM_BEARER}']/saml:SubjectConfirmationData"
    )
    if not any(
        each.get("Recipient") == expected.acs_url
        and each.get("InResponseTo") == expected.request_id
        and each.get("NotOnOrAfter")
        for each in confirmations
    ):
        raise SsoAssertionRefused("The assertion is not confirmed for this sign-in.")


def _attributes(response: Any) -> dict[str, list[str]]:
    """The attributes by their names, and by their friendly ones."""
    told: dict[str, list[Any]] = response.get_friendlyname_attributes()
    told = told | response.get_attributes()
    return {
        name: [value for value in values if isinstance(value, str)] for name, values in told.items()
    }


def _settings(expected: Expected) -> Any:
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {
                "entityId": expected.entity_id,
                "assertionConsumerService": {"url": expected.acs_url},
            },
            "idp": {
                "entityId": expected.issuer,
                "singleSignOnService": {"url": "https://unused.invalid"},
                "x509certMulti": {"signing": list(expected.certificates)},
            },
            "security": {
                "wantAssertionsSigned": True,
                "wantAttributeStatement": False,
                "requestedAuthnContext": False,
                "rejectDeprecatedAlgorithm": True,
                "allowRepeatAttributeName": True,
            },
        },
        sp_validation_only=True,
    )


def _request_data(acs_url: str) -> dict[str, str]:
    """The request as the library wants to know it: our own address, whatever the proxy says."""
    parts = urlsplit(acs_url)
    return {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": parts.path,
    }
