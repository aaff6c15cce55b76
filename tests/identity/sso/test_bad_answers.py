"""What a provider, or whoever stands between, may get wrong: nothing of it signs anyone in."""

import base64
import hmac
import json
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from tests.support.fakes.idp import CLIENT_ID, Subject
from tests.support.sso import FRONTEND, begin


@pytest.fixture(autouse=True)
def someone(provider):
    provider.subject = Subject(uuid4().hex, f"{uuid4().hex}@example.com")


async def error_of(http):
    return told_of(await (await begin(http, provider="oidc")).fragment())


def told_of(found):
    assert set(found) == {"error", "error_description"}
    return found["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://another.example"},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"exp": 1},
        {"exp": "soon"},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"sub": ""},
        {"sub": 7},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
async def test_a_wrong_claim_is_refused(http, provider, change):
    provider.change_claims = lambda claims: claims.update(change)
    assert await error_of(http) == "sso_assertion_refused"


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "iat", "nonce"])
async def test_a_missing_claim_is_refused(http, provider, name):
    provider.change_claims = lambda claims: claims.pop(name)
    assert await error_of(http) == "sso_assertion_refused"


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unsigned(claims):
    return f"{part({'alg': 'none'})}.{part(claims)}."


def by_a_stranger(claims):
    key = RSAKey.generate_key(2048, {"kid": "unknown"})
    header = {"alg": "RS256", "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key)


@pytest.mark.parametrize(
    "make", [unsigned, by_a_stranger, lambda _: "", lambda _: "a.b.c", lambda _: "x" * 100_000]
)
async def test_a_token_that_its_key_did_not_sign_is_refused(http, provider, make):
    provider.make_token = make
    assert await error_of(http) == "sso_assertion_refused"


async def test_a_stranger_who_borrows_the_key_id_is_refused(http, provider):
    def forged(claims):
        key = RSAKey.generate_key(2048)
        header = {"alg": "RS256", "kid": provider.key.kid}
        return jws.serialize_compact(header, json.dumps(claims).encode(), key)

    provider.make_token = forged
    assert await error_of(http) == "sso_assertion_refused"


async def test_the_public_key_does_not_serve_as_a_shared_secret(http, provider):
    def confused(claims):
        body = f"{part({'alg': 'HS256', 'kid': provider.key.kid})}.{part(claims)}"
        mac = hmac.digest(provider.key.as_pem(private=False), body.encode(), "sha256")
        return f"{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    provider.make_token = confused
    assert await error_of(http) == "sso_assertion_refused"


async def test_a_rotated_key_is_fetched_and_the_old_one_forgotten(http, provider, monkeypatch):
    signed_in = await (await begin(http, provider="oidc")).complete()
    assert signed_in.status_code == 200
    old_key = provider.key
    provider.rotate()
    monkeypatch.setattr("app.identity.sso.oidc.discovery.UNKNOWN_KEY_SECONDS", -1.0)
    assert (await (await begin(http, provider="oidc")).complete()).status_code == 200
    provider.key = old_key
    assert await error_of(http) == "sso_assertion_refused"


async def test_made_up_key_ids_do_not_make_us_ask_again_and_again(http, provider, monkeypatch):
    monkeypatch.setattr("app.identity.sso.oidc.discovery.UNKNOWN_KEY_SECONDS", 3600.0)
    provider.make_token = by_a_stranger
    for _ in range(5):
        assert await error_of(http) == "sso_assertion_refused"
    assert provider.jwks_reads == 1


@pytest.mark.parametrize("given", ["https://another.example", None])
async def test_an_answer_of_another_issuer_is_refused(http, provider, given):
    def change(answer):
        answer.pop("iss")
        if given:
            answer["iss"] = given

    provider.change_answer = change
    assert await error_of(http) == "sso_assertion_refused"


async def test_who_declines_there_is_told_so(http, provider):
    def change(answer):
        del answer["code"]
        answer["error"] = "access_denied"

    provider.change_answer = change
    assert await error_of(http) == "sso_denied"


async def test_an_answer_without_a_code_is_refused(http, provider):
    provider.change_answer = lambda answer: answer.pop("code")
    assert await error_of(http) == "sso_assertion_refused"


async def test_a_code_that_was_not_issued_is_refused(http, provider):
    provider.change_answer = lambda answer: answer.update(code="made up")
    assert await error_of(http) == "sso_assertion_refused"


async def test_a_provider_that_answers_garbage_has_failed(http, provider):
    provider.garbage = True
    assert await error_of(http) == "sso_provider_failed"


async def test_a_provider_that_is_slow_has_failed(http, provider, sso_app, monkeypatch):
    trip = await begin(http, provider="oidc")
    monkeypatch.setattr(sso_app.state.kernel.outbound, "seconds", 0.2)
    provider.slow_seconds = 1
    assert told_of(await trip.fragment()) == "sso_provider_failed"


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://another.example"},
        {"token_endpoint": None},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
    ],
    ids=str,
)
async def test_a_discovery_document_that_misleads_is_refused(http, provider, change):
    provider.change_discovery = lambda document: document.update(change)
    answer = await http.post(
        "/v1/auth/sso/start", json={"provider": "oidc", "redirect_to": FRONTEND}
    )
    assert (answer.status_code, answer.json()["code"]) == (502, "sso_provider_failed")


async def test_a_provider_that_is_down_is_told_of_at_once(http, sso_app, provider):
    provider.url, url = "http://127.0.0.1:9", provider.url
    kernel = sso_app.state.kernel
    settings = kernel.settings
    try:
        kernel.settings = settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})
        answer = await http.post(
            "/v1/auth/sso/start", json={"provider": "oidc", "redirect_to": FRONTEND}
        )
    finally:
        provider.url, kernel.settings = url, settings
    assert (answer.status_code, answer.json()["code"]) == (502, "sso_provider_failed")


async def test_a_state_that_was_not_begun_here_is_refused(http, provider):
    query = urlencode({"state": "made up", "code": "x", "iss": provider.url})
    answer = await http.get(f"/v1/auth/sso/callback?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "sso_state_invalid")


@pytest.mark.parametrize("cookie", ["", "another"])
async def test_another_browser_cannot_finish_what_one_began(http, provider, cookie):
    trip = await begin(http, provider="oidc")
    await trip.visit_provider()
    name = trip.cookie.split("=")[0]
    answer = await trip.come_back(cookie=f"{name}={cookie}")
    assert (answer.status_code, answer.json()["code"]) == (400, "sso_state_invalid")


async def test_a_callback_cannot_be_replayed(http, provider):
    trip = await begin(http, provider="oidc")
    await trip.fragment()
    again = await trip.come_back()
    assert (again.status_code, again.json()["code"]) == (400, "sso_state_invalid")


async def test_a_code_is_used_once(http, provider):
    trip = await begin(http, provider="oidc")
    found = await trip.fragment()
    body = {"code": found["code"], "verifier": trip.verifier, "refresh_token_in": "body"}
    answers = [await http.post("/v1/auth/sso/complete", json=body) for _ in range(2)]
    assert [a.status_code for a in answers] == [200, 401]
    assert answers[1].json()["code"] == "sso_code_invalid"


async def test_a_code_without_its_verifier_is_worth_nothing(http, provider):
    trip, other = await begin(http, provider="oidc"), await begin(http, provider="oidc")
    found = await trip.fragment()
    body = {"code": found["code"], "verifier": other.verifier, "refresh_token_in": "body"}
    answer = await http.post("/v1/auth/sso/complete", json=body)
    assert (answer.status_code, answer.json()["code"]) == (401, "sso_code_invalid")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "https://app.example:444/",
        "http://app.example/",
        "https://evil.example\\@app.example/",
        "https://app.example\\@evil.example/",
        "//app.example/",
        "/signed-in",
        "javascript:alert(1)//app.example",
        "https://app.example/#here",
        "https://app.example/ x",
        "https://[app.example/",
    ],
)
async def test_the_browser_is_sent_to_listed_origins_alone(http, provider, target):
    answer = await http.post("/v1/auth/sso/start", json={"provider": "oidc", "redirect_to": target})
    assert (answer.status_code, answer.json()["code"]) == (400, "redirect_refused")


@pytest.mark.parametrize(
    "way",
    [
        {"provider": "google"},
        {"provider": "nobody"},
        {"connection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"},
        {"email": "someone@nobody.example"},
    ],
    ids=str,
)
async def test_an_unknown_way_is_not_found(http, provider, way):
    answer = await http.post("/v1/auth/sso/start", json={"redirect_to": FRONTEND, **way})
    assert (answer.status_code, answer.json()["code"]) == (404, "sso_not_available")


@pytest.mark.parametrize("way", [{}, {"provider": "oidc", "email": "a@example.com"}], ids=str)
async def test_exactly_one_way_is_named(http, provider, way):
    answer = await http.post("/v1/auth/sso/start", json={"redirect_to": FRONTEND, **way})
    assert answer.status_code == 422
