"""Google's own client, unmodified, in front of each vendor's fake."""

import orjson
import pytest
from google import genai
from google.genai import errors
from google.genai import types as t

from tests.inference.relay.asking import settled_calls
from tests.inference.relay.conftest import every_vendor
from tests.support.fakes.base import Said, drop_after, error_after, say, status

# google-genai subclasses aiohttp's session, and `error` would make that ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")

TEXT = "Hello, wörld 🌍"
CALLS = (("call_1", "get_weather", {"city": "Paris"}), ("call_2", "get_weather", {"city": "Rome"}))
WEATHER = t.Tool(
    function_declarations=[
        t.FunctionDeclaration(
            name="get_weather",
            parameters=t.Schema(type="OBJECT", properties={"city": t.Schema(type="STRING")}),
        )
    ]
)
# How many frames of each vendor's stream hold the first word, and not yet the last.
FIRST_WORDS = {"openai": 2, "anthropic": 4, "gemini": 2}
translated = pytest.mark.parametrize("gateway", ["openai", "anthropic"], indirect=True)
passed = pytest.mark.parametrize("gateway", ["gemini"], indirect=True)


@pytest.fixture
async def models(gateway, address):
    options = t.HttpOptions(base_url=f"{address}/gemini")
    client = genai.Client(api_key=gateway.key, http_options=options)
    async with client.aio as opened:
        yield opened.models
    client.close()


def asked(gateway, contents="Hello", **config):
    return {
        "model": gateway.model,
        "contents": contents,
        "config": t.GenerateContentConfig(**config) if config else None,
    }


async def parts_of(models, **ask):
    """The parts of a stream, and its last chunk."""
    parts, last = [], None
    async for chunk in await models.generate_content_stream(**ask):
        parts += chunk.candidates[0].content.parts or []
        last = chunk
    return parts, last


@every_vendor
async def test_a_text_comes_whole_and_streamed_with_its_usage(models, gateway, kernel, ledger):
    whole = await models.generate_content(**asked(gateway))
    parts, last = await parts_of(models, **asked(gateway))
    assert whole.text == "".join(part.text for part in parts) == TEXT
    for answer in (whole, last):
        usage = answer.usage_metadata
        assert answer.candidates[0].finish_reason == "STOP"
        assert (usage.prompt_token_count, usage.cached_content_token_count) == (120, 20)
        assert (usage.candidates_token_count, usage.thoughts_token_count) == (40, 10)
    calls = await settled_calls(kernel, ledger, gateway, 2)
    assert [call.output_tokens for call in calls] == [50, 50]
    assert [call.input_tokens for call in calls] == [120, 120]


@every_vendor
async def test_thoughts_and_parallel_calls_come_with_their_arguments(models, gateway):
    said = Said(text=("Look:",), reasoning=("Hm", "."), signature="c2ln", calls=CALLS)
    gateway.fake.will(say(said), say(said))
    ask = asked(gateway, tools=[WEATHER])
    whole = (await models.generate_content(**ask)).candidates[0].content.parts
    streamed, _ = await parts_of(models, **ask)
    for parts in (whole, streamed):
        calls = [part.function_call for part in parts if part.function_call]
        assert [(call.id or call.name, call.args) for call in calls] == [
            ("call_1", {"city": "Paris"}),
            ("call_2", {"city": "Rome"}),
        ]
        assert "".join(p.text for p in parts if p.thought and p.text) == "Hm."


@every_vendor
async def test_an_answer_goes_back_with_its_results(models, gateway):
    said = Said(text=(), reasoning=("Hm.",), signature="c2ln", calls=CALLS[:1])
    gateway.fake.will(say(said))
    first = await models.generate_content(**asked(gateway, tools=[WEATHER]))
    result = t.FunctionResponse(id="call_1", name="get_weather", response={"output": "sunny"})
    contents = [
        t.Content(role="user", parts=[t.Part(text="Hello")]),
        first.candidates[0].content,
        t.Content(role="user", parts=[t.Part(function_response=result)]),
    ]
    answer = await models.generate_content(**asked(gateway, contents, tools=[WEATHER]))
    assert answer.text == TEXT
    sent = orjson.dumps(gateway.fake.last.body)
    assert b"sunny" in sent
    assert b"bHVtaW5vdXM6" not in sent
    if gateway.fake.kind != "openai":
        assert b"c2ln" in sent


@translated
async def test_media_and_a_schema_reach_the_provider(models, gateway):
    contents = [
        t.Part.from_bytes(data=b"bytes", mime_type="image/png"),
        t.Part.from_bytes(data=b"bytes", mime_type="application/pdf"),
        "What is it?",
    ]
    schema = t.Schema(type="OBJECT", properties={"name": t.Schema(type="STRING")})
    config = {"response_mime_type": "application/json", "response_schema": schema}
    await models.generate_content(**asked(gateway, contents, **config))
    sent = orjson.dumps(gateway.fake.last.body)
    assert sent.count(b"Ynl0ZXM=") == 2
    assert b'{"name":{"type":"string"}}' in sent


@passed
async def test_bytes_pass_with_what_nobody_here_has_heard_of(gateway, client):
    body = {"contents": [{"parts": [{"text": "Hi"}]}], "novelty": {"x": [1.0]}}
    path = f"/gemini/v1beta/models/{gateway.model}:generateContent"
    answer = await client.post(path, json=body, headers={"x-goog-api-key": gateway.key})
    assert answer.json()["candidates"]
    assert gateway.fake.last.body == body
    assert gateway.fake.last.path.endswith("/models/gemini-fake:generateContent")


@translated
async def test_what_cannot_be_translated_is_refused_by_name(models, gateway):
    tool = t.Tool(code_execution=t.ToolCodeExecution())
    with pytest.raises(errors.ClientError, match="codeExecution") as refused:
        await models.generate_content(**asked(gateway, tools=[tool]))
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    assert gateway.fake.requests == []


@every_vendor
async def test_errors_are_the_clients_own(models, gateway):
    gateway.fake.will(status(429))
    with pytest.raises(errors.ClientError) as refused:
        await models.generate_content(**asked(gateway))
    assert (refused.value.code, refused.value.status) == (429, "RESOURCE_EXHAUSTED")
    with pytest.raises(errors.ClientError) as missing:
        await models.generate_content(model="nowhere/x", contents="Hi")
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")


@every_vendor
@pytest.mark.parametrize("fault", [drop_after, error_after])
async def test_a_stream_that_breaks_off_ends_in_an_error(models, gateway, fault):
    gateway.fake.will(fault(FIRST_WORDS[gateway.fake.kind]))
    text = ""
    with pytest.raises(errors.APIError):  # noqa: PT012 - it is read until it breaks
        async for chunk in await models.generate_content_stream(**asked(gateway)):
            text += chunk.text or ""
    assert text
    assert text != TEXT


@every_vendor
async def test_tokens_are_counted_by_the_provider_or_by_an_estimate(models, gateway):
    if gateway.fake.kind == "gemini":
        gateway.fake.counts = 42
    counted = await models.count_tokens(model=gateway.model, contents="Hello")
    if gateway.fake.kind == "gemini":
        assert counted.total_tokens == 42
        assert gateway.fake.last.path.endswith("/models/gemini-fake:countTokens")
    else:
        assert 0 < counted.total_tokens < 100
        headers = counted.sdk_http_response.headers
        assert headers["x-luminous-token-count"] == "estimate"
        assert gateway.fake.requests == []


@every_vendor
async def test_models_are_listed_and_shown(models, gateway):
    listed = [model.name async for model in await models.list()]
    shown = await models.get(model=gateway.model)
    assert f"models/{gateway.model}" in listed
    assert shown.name == f"models/{gateway.model}"
    with pytest.raises(errors.ClientError):
        await models.get(model="nowhere/x")


def find_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@every_vendor
async def test_the_sdk_calls_functions_by_itself(models, gateway):
    calls = (("call_1", "find_weather", {"city": "Paris"}),)
    gateway.fake.will(say(Said(text=(), calls=calls)))
    answer = await models.generate_content(**asked(gateway, tools=[find_weather]))
    assert answer.text == TEXT
    assert b"sunny in Paris" in orjson.dumps(gateway.fake.last.body)
