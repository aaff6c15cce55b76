"""Signing in by a provider of the installation."""

from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.support.fakes.idp import Subject
from tests.support.identity import bearer, register
from tests.support.sso import FRONTEND, begin, fragment_of


def new_subject(**more):
    return Subject(sub=uuid4().hex, email=f"{uuid4().hex}@example.com", **more)


async def refused(http, code, **way):
    """The answer of a whole sign-in is this refusal."""
    answer = await (await begin(http, **way)).complete()
    assert answer.json()["code"] == code, answer.text


async def test_someone_new_gets_an_account_and_tokens_like_a_login(http, provider):
    provider.subject = new_subject(claims={"name": "Ada Lovelace"})
    answer = await (await begin(http, provider="oidc")).complete()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    me = (await http.get("/v1/me", headers=bearer(tokens["access_token"]))).json()
    assert me["user"]["email"] == provider.subject.email
    assert me["user"]["name"] == "Ada Lovelace"
    refreshed = await http.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 200


async def test_the_same_person_comes_back_to_the_same_account(http, provider):
    provider.subject = new_subject()
    seen = set()
    for address in (provider.subject.email, f"{uuid4().hex}@example.com"):
        provider.subject.email = address
        tokens = (await (await begin(http, provider="oidc")).complete()).json()
        me = await http.get("/v1/me", headers=bearer(tokens["access_token"]))
        seen.add(me.json()["user"]["id"])
    assert len(seen) == 1


async def test_the_provider_is_asked_with_pkce_state_and_nonce(http, provider):
    trip, other = await begin(http, provider="oidc"), await begin(http, provider="oidc")
    assert trip.asked["code_challenge_method"] == "S256"
    assert trip.asked["redirect_uri"].endswith("/v1/auth/sso/callback")
    assert set(trip.asked["scope"].split()) == {"openid", "email", "profile"}
    for name in ("state", "nonce", "code_challenge"):
        assert len(trip.asked[name]) >= 43
        assert trip.asked[name] != other.asked[name]


async def test_the_cookie_of_the_browser_is_bound_to_this_host(http, provider):
    answer = await http.post(
        "/v1/auth/sso/start", json={"provider": "oidc", "redirect_to": FRONTEND}
    )
    name, *attributes = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert name.startswith("__Host-luminous_sso_")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax", "Max-Age=600"} <= set(attributes)


async def test_no_token_and_no_secret_stands_in_an_address(http, provider):
    provider.subject = new_subject()
    trip = await begin(http, provider="oidc")
    assert trip.verifier not in trip.authorization_url
    await trip.visit_provider()
    answer = await trip.come_back()
    assert set(fragment_of(answer)) == {"code"}
    assert urlsplit(answer.headers["location"]).query == ""
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_github_signs_in_by_its_verified_primary_address(http, provider):
    provider.subject = Subject(str(uuid4().int % 10**9), f"{uuid4().hex}@example.com")
    answer = await (await begin(http, provider="github")).complete()
    me = await http.get("/v1/me", headers=bearer(answer.json()["access_token"]))
    assert me.json()["user"]["email"] == provider.subject.email
    assert me.json()["user"]["name"] == "Octo Cat"


async def test_an_unverified_github_address_opens_nothing(http, provider):
    provider.subject = Subject(
        str(uuid4().int % 10**9), f"{uuid4().hex}@example.com", verified=False
    )
    await refused(http, "sso_email_unverified", provider="github")


MICROSOFT_TENANT = "0f0e0d0c-0b0a-4908-8706-050403020100"


def as_tenant(provider, tenant):
    def change(claims):
        claims |= {"tid": tenant, "iss": f"{provider.url}/{tenant}/v2.0"}
        claims.pop("email_verified", None)

    provider.change_claims = change
    provider.change_answer = lambda answer: answer.pop("iss", None)

    def quiet(document):
        del document["authorization_response_iss_parameter_supported"]

    provider.change_discovery = quiet


async def test_microsoft_tokens_of_any_tenant_are_taken(http, provider):
    as_tenant(provider, MICROSOFT_TENANT)
    provider.subject = new_subject(claims={"xms_edov": True})
    answer = await (await begin(http, provider="microsoft")).complete()
    assert answer.status_code == 200, answer.text


async def test_a_microsoft_tenant_cannot_vouch_for_an_address_it_only_claims(http, provider):
    as_tenant(provider, MICROSOFT_TENANT)
    provider.subject = new_subject()
    await refused(http, "sso_email_unverified", provider="microsoft")


async def test_a_microsoft_token_of_another_tenant_than_its_issuer_is_refused(http, provider):
    as_tenant(provider, MICROSOFT_TENANT)
    change = provider.change_claims

    def mixed(claims):
        change(claims)
        claims["tid"] = str(uuid4())

    provider.change_claims = mixed
    provider.subject = new_subject(claims={"xms_edov": True})
    found = await (await begin(http, provider="microsoft")).fragment()
    assert found["error"] == "sso_assertion_refused"


async def test_an_address_that_only_the_user_info_tells_is_found(http, provider):
    provider.subject = new_subject()
    provider.email_in_id_token = False
    answer = await (await begin(http, provider="oidc")).complete()
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("verified", [False, None])
async def test_an_unverified_address_makes_no_account(http, provider, verified):
    provider.subject = new_subject(verified=verified)
    await refused(http, "sso_email_unverified", provider="oidc")


async def test_an_address_that_an_account_has_opens_nothing(http, provider):
    user = await register(http)
    provider.subject = Subject(uuid4().hex, user["email"].upper())
    await refused(http, "sso_account_exists", provider="oidc")


async def test_the_providers_that_are_set_up_are_listed(http, provider):
    found = (await http.get("/v1/auth/sso/providers")).json()["data"]
    assert {each["id"] for each in found} == {"github", "microsoft", "oidc"}
