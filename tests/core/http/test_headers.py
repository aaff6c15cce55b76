"""Every answer says what a browser and a cache may do with it."""

import base64
import hashlib
import re

import pytest

from app.core.http.headers import API_CSP

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health/live", 200),
        ("/v1/me", 401),
        ("/nowhere", 404),
        ("/openai/v1/models", 401),
        ("/openapi.json", 200),
        ("/metrics", 200),
        ("/v1/me?x=%00", 400),
    ],
)
async def test_every_answer_has_them(client, path, status):
    answer = await client.get(path)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
    assert answer.headers["content-security-policy"] == API_CSP
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "strict-transport-security" not in answer.headers


async def test_each_header_stands_there_once(client, person):
    answer = await client.get("/v1/me", headers=person.headers)
    names = [name.lower() for name, _ in answer.headers.raw]
    assert len(names) == len(set(names))


async def test_a_service_reached_by_https_says_so(serving):
    async with serving(public_url="https://ai.example.com") as (_, http):
        answer = await http.get("/health/live")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_no_cache_keeps_an_answer_and_one_with_a_version_is_asked_about(client, person):
    me = await client.get("/v1/me", headers=person.headers)
    refused = await client.get("/v1/me")
    assert me.headers["cache-control"] in {"no-store", "private, no-cache"}
    assert refused.headers["cache-control"] == "no-store"
    made = await client.post("/v1/conversations", json={"title": "T"}, headers=person.headers)
    path = made.headers["location"]
    shown = await client.get(path, headers=person.headers)
    assert shown.headers["cache-control"] == "private, no-cache"
    known = {**person.headers, "If-None-Match": shown.headers["etag"]}
    same = await client.get(path, headers=known)
    assert same.status_code == 304
    assert same.headers["cache-control"] == "private, no-cache"


async def test_what_a_route_says_itself_stays(client):
    keys = await client.get("/.well-known/jwks.json")
    assert keys.headers["cache-control"] == "public, max-age=300"


def policy_of(answer):
    parts = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in parts}


async def test_the_pages_run_their_own_scripts_and_nobody_else_s(client):
    page = await client.get("/docs")
    policy = policy_of(page)
    inline = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    assert len(inline) == 1
    digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
    assert policy["script-src"] == ["'self'", f"'sha256-{digest}'"]
    assert policy["default-src"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["connect-src"] == ["'self'"]
    errors = policy_of(await client.get("/docs/errors"))
    assert errors["script-src"] == ["'self'"]
