"""Whom a provider may name: nobody who could not be stored."""

import pytest

from app.identity.sso.errors import SsoAssertionRefused
from app.identity.sso.people import MOST_SUBJECT, ExternalPerson
from tests.support.fakes.idp import Subject
from tests.support.sso import begin


@pytest.mark.parametrize(
    "odd",
    [
        {"subject": ""},
        {"subject": "x" * (MOST_SUBJECT + 1)},
        {"subject": "a\x00b"},
        {"subject": "\ud800"},
        {"name": "a\x00b"},
        {"email": "a\x00b@example.com"},
        {"groups": ("staff", "\udfff")},
    ],
    ids=lambda odd: next(iter(odd)),
)
def test_a_person_who_cannot_be_stored_is_refused(odd):
    with pytest.raises(SsoAssertionRefused):
        ExternalPerson(**{"issuer": "https://login.example.com", "subject": "s"} | odd)


@pytest.mark.parametrize("subject", ["x" * 5000, "a\x00b"], ids=["long", "nul"])
async def test_it_is_told_to_the_frontend(http, provider, subject):
    provider.subject = Subject(subject, "someone@example.com")
    found = await (await begin(http, provider="oidc")).fragment()
    assert found["error"] == "sso_assertion_refused"


@pytest.mark.parametrize("methods", [5, "client_secret_basic", {}], ids=str)
async def test_odd_methods_of_a_provider_break_nothing(http, provider, methods):
    provider.change_discovery = lambda document: document.update(
        token_endpoint_auth_methods_supported=methods
    )
    provider.subject = Subject("someone-odd", "odd@example.com")
    assert "code" in await (await begin(http, provider="oidc")).fragment()
