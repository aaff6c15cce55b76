"""A request's head has a size, its body a time."""

import asyncio

import orjson
import pytest

from tests.support.raw_http import as_pairs, exchange


async def test_an_address_that_is_too_long_is_a_414(client):
    answer = await client.get("/v1/models", params={"q": "x" * 17_000})
    assert (answer.status_code, answer.json()["code"]) == (414, "uri_too_long")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_listed_web_page_can_read_that_refusal(client):
    headers = {"Origin": "https://app.example"}
    answer = await client.get("/v1/models", params={"q": "x" * 17_000}, headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


@pytest.mark.parametrize("headers", [{f"x-{n}": "v" for n in range(101)}, {"x-long": "v" * 33_000}])
@pytest.mark.parametrize("path", ["/v1/me", "/openai/v1/models", "/health/live"])
async def test_too_many_or_too_long_headers_are_a_431(client, headers, path):
    answer = await client.get(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (431, "head_too_large")


async def trickle(seconds):
    """A body that comes a byte at a time."""
    for byte in b'{"messages": [{"role": "user", "content": "' + b"x" * 10_000:
        yield bytes([byte])
        await asyncio.sleep(seconds)


@pytest.mark.parametrize("path", ["/v1/chat", "/openai/v1/chat/completions"])
async def test_a_body_that_trickles_in_is_cut(serving, person, path):
    headers = {
        **person.headers,
        "Content-Type": "application/json",
        "Transfer-Encoding": "chunked",
    }
    async with serving(slow_body_seconds=0.5) as (_, http):
        address = str(http.base_url).rstrip("/")
        began = asyncio.get_running_loop().time()
        answer = await exchange(address, "POST", path.encode(), as_pairs(headers), trickle(0.02))
        assert asyncio.get_running_loop().time() - began < 3
    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"
    told = orjson.loads(answer.content)
    assert "request_timed_out" in {told.get("code"), told.get("error", {}).get("code")}


async def test_a_body_within_its_time_is_read(serving, person):
    async def slowly():
        for piece in (b'{"title": ', b'"Slow', b' but there"}'):
            yield piece
            await asyncio.sleep(0.1)

    async with serving(slow_body_seconds=2) as (_, http):
        answer = await http.post(
            "/v1/conversations",
            content=slowly(),
            headers={**person.headers, "Content-Type": "application/json"},
        )
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("path", ["/v1/chat", "/openai/v1/chat/completions"])
async def test_a_body_that_is_too_large_or_too_deep_is_refused(serving, person, path):
    headers = {**person.headers, "Content-Type": "application/json"}
    deep = b'{"model": "m", "messages": ' + b"[" * 100 + b"]" * 100 + b"}"
    async with serving(max_body_bytes=2000) as (_, http):
        large = await http.post(path, content=b" " * 2001, headers=headers)
        nested = await http.post(path, content=deep, headers=headers)
    assert large.status_code == 413
    assert nested.status_code == 400
    assert "nested deeper than 64 levels" in nested.text
