"""Gemini's streams without `alt=sse`: one JSON array, whose elements leave as they come."""

import asyncio

import httpx2
import orjson
import pytest
from google.genai import types as t

from app.inference.dialects.gemini.dialect import BLANK
from app.inference.relay.gemini_streams import ArrayShape
from tests.inference.relay.conftest import every_vendor
from tests.support.fakes.base import drop_after, error_after, silence, status

BODY = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
FIRST_WORDS = {"openai": 2, "anthropic": 4, "gemini": 2}


def path_of(gateway, query=""):
    return f"/gemini/v1beta/models/{gateway.model}:streamGenerateContent{query}"


def headers_of(gateway):
    return {"x-goog-api-key": gateway.key}


async def streamed(client, gateway, query=""):
    return await client.post(path_of(gateway, query), json=BODY, headers=headers_of(gateway))


def text_of(chunks):
    """The words of chunks that the vendor's own SDK takes for its own."""
    read = [t.GenerateContentResponse.model_validate(chunk) for chunk in chunks]
    return "".join(chunk.text or "" for chunk in read)


@every_vendor
@pytest.mark.parametrize("query", ["", "?alt=json", "?$alt=json;enum-encoding=int"])
async def test_the_chunks_are_the_elements_of_an_array(client, gateway, query):
    answer = await streamed(client, gateway, query)
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    chunks = answer.json()
    assert len(chunks) > 2
    assert text_of(chunks) == "Hello, wörld 🌍"
    assert chunks[-1]["usageMetadata"]["promptTokenCount"] == 120


@every_vendor
async def test_events_come_to_those_who_ask_for_them(client, gateway):
    answer = await streamed(client, gateway, "?alt=sse")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content.startswith(b"data: ")


@every_vendor
async def test_an_element_leaves_when_it_comes(gateway, address):
    gateway.fake.will(silence(FIRST_WORDS[gateway.fake.kind]))
    async with (
        httpx2.AsyncClient() as browser,
        browser.stream(
            "POST", address + path_of(gateway), json=BODY, headers=headers_of(gateway)
        ) as answer,
    ):
        seen = b""
        async with asyncio.timeout(10):
            async for piece in answer.aiter_raw():
                seen += piece
                if b"Hel" in seen:
                    break
    # What was there by then is an array whose end is still to come.
    assert text_of(orjson.loads(seen + b"]")).startswith("Hel")


@every_vendor
@pytest.mark.parametrize("fault", [drop_after, error_after])
async def test_an_error_is_the_last_element(client, gateway, fault):
    gateway.fake.will(fault(FIRST_WORDS[gateway.fake.kind]))
    *chunks, last = (await streamed(client, gateway)).json()
    assert text_of(chunks)
    assert last["error"]["code"] >= 500


async def test_a_refusal_is_an_array_too_as_it_is_of_the_vendor(client, gateway):
    gateway.fake.will(status(400, "No."))
    answer = await streamed(client, gateway)
    assert answer.status_code == 400
    assert answer.json()[0]["error"]["status"] == "INVALID_ARGUMENT"
    asked = headers_of(gateway) | {"x-goog-api-key": "wrong"}
    answer = await client.post(path_of(gateway), json=BODY, headers=asked)
    assert answer.json()[0]["error"]["status"] == "UNAUTHENTICATED"


def test_what_keeps_a_stream_open_stands_between_elements():
    shape = ArrayShape()
    parts = [BLANK, b'data: {"a":1}\r\n\r\n', BLANK, b'data: {"b":2}\n\ndata: {"c":3}\n\n']
    left = [shape.part(part, more=True) for part in parts]
    # A client that reads the array by hand looks for its bracket first.
    assert left[0].startswith(b"[")
    left.append(shape.part(b"", more=False))
    assert orjson.loads(b"".join(left)) == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert orjson.loads(ArrayShape().part(b"", more=False)) == []
