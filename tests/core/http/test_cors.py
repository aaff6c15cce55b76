"""Which web pages may call: exactly those of the listed origins."""

import pytest

from app.core.config import InvalidSettings, load_settings

LISTED = "https://app.example"
FOREIGN = [
    "https://evil.example",
    "null",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example:443",
    "https://app.example.evil.example",
    "https://evil-app.example",
    "https://sub.app.example",
    "https://app.exampl",
    "https://app.example/",
    "https://APP.example",
    "*",
    "",
]


def preflight(origin, method="POST", headers="authorization, content-type"):
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


async def test_a_listed_origin_may_call_with_credentials(client):
    answer = await client.options("/v1/chat", headers=preflight(LISTED))
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]
    shown = await client.get("/health/live", headers={"Origin": LISTED})
    assert shown.headers["access-control-allow-origin"] == LISTED


@pytest.mark.parametrize("origin", FOREIGN)
async def test_another_origin_may_not(client, origin):
    refused = await client.options("/v1/chat", headers=preflight(origin))
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    answer = await client.get("/health/live", headers={"Origin": origin})
    assert "access-control-allow-origin" not in answer.headers


async def test_headers_are_a_list_and_no_star(client):
    usual = "authorization, idempotency-key, if-match, if-none-match, last-event-id, x-workspace-id"
    answer = await client.options("/v1/chat", headers=preflight(LISTED, headers=usual))
    assert answer.status_code == 200
    assert "*" not in answer.headers["access-control-allow-headers"]
    other = await client.options("/v1/chat", headers=preflight(LISTED, headers="x-anything"))
    assert other.status_code == 400


STAINLESS = (
    "authorization, content-type, x-stainless-arch, x-stainless-helper, x-stainless-helper-method, "
    "x-stainless-lang, x-stainless-os, x-stainless-package-version, x-stainless-retry-count, "
    "x-stainless-runtime, x-stainless-runtime-version, x-stainless-timeout"
)
ANTHROPICS = (
    "anthropic-beta, anthropic-dangerous-direct-browser-access, anthropic-version, x-api-key"
)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/openai/v1/chat/completions", STAINLESS),
        ("/anthropic/v1/messages", f"{STAINLESS}, {ANTHROPICS}"),
        (
            "/gemini/v1beta/models/m:generateContent",
            "content-type, user-agent, x-goog-api-client, x-goog-api-key",
        ),
        ("/a2a", "a2a-extensions, a2a-version, authorization, content-type"),
    ],
)
async def test_a_page_may_use_the_vendors_clients(client, path, headers):
    answer = await client.options(path, headers=preflight(LISTED, headers=headers))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/v1/me%00", "/v1/conversations?cursor=%00"])
async def test_a_page_may_read_why_its_address_was_refused(client, path):
    answer = await client.get(path, headers={"Origin": LISTED})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["x-request-id"]


async def test_a_page_may_read_an_error_that_nobody_foresaw(serving):
    async with serving() as (app, http):
        app.state.kernel.admission = None
        stray = await http.get("/v1/me", headers={"Origin": LISTED})
    assert (stray.status_code, stray.json()["code"]) == (500, "internal_error")
    assert stray.headers["access-control-allow-origin"] == LISTED
    assert stray.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/health/live", "/v1/me", "/openai/v1/models"])
async def test_what_a_page_may_read_is_what_the_contract_says(client, path):
    answer = await client.get(path, headers={"Origin": LISTED})
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert exposed == {
        "ETag", "Link", "Location", "Retry-After", "RateLimit", "RateLimit-Policy",
        "X-Request-Id", "X-Run-Id", "Idempotency-Replayed", "Dry-Run", "Deprecation", "Sunset",
        "Age", "X-Luminous-Attempts", "X-Luminous-Cache", "X-Luminous-Call-Id",
        "X-Luminous-Guardrails", "X-Luminous-Model",
        "X-Luminous-Route", "X-Luminous-Token-Count",
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        "*", "https://*.example.com", "https://app.example/", "https://app.example/path",
        "app.example", "null", "ftp://app.example", "https://APP.example", "https://a@app.example",
        "https://app.example,*", "https://app.example?x", "https://",
    ],
)  # fmt: skip
def test_a_setting_that_is_no_exact_origin_is_refused_in_one_sentence(monkeypatch, value):
    monkeypatch.setenv("LUMINOUS_CORS_ORIGINS", value)
    with pytest.raises(InvalidSettings) as refused:
        load_settings()
    said = str(refused.value)
    assert said.startswith("LUMINOUS_CORS_ORIGINS cannot be used: ")
    assert "is not an origin" in said
    assert "\n" not in said


def test_origins_as_browsers_send_them_are_taken(monkeypatch):
    monkeypatch.setenv("LUMINOUS_CORS_ORIGINS", "https://a.example, http://localhost:3000")
    assert load_settings().cors_origins == ("https://a.example", "http://localhost:3000")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LUMINOUS_TRUSTED_PROXIES", "proxy.internal"),
        ("LUMINOUS_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("LUMINOUS_RATE_LIMIT_USER", "600"),
        ("LUMINOUS_RATE_LIMIT_USER", "0/60"),
        ("LUMINOUS_RATE_LIMIT_ADDRESS", "fast"),
    ],
)
def test_other_edges_that_cannot_be_used_are_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=f"{name} cannot be used"):
        load_settings()
