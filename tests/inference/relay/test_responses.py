"""Responses through the unmodified OpenAI SDK, for each vendor upstream."""

import json

import openai
import orjson
import pytest
from openai.types.responses import ResponseErrorEvent, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from app.inference.dialects.framing import payloads
from tests.inference.relay.conftest import every_vendor, translated
from tests.support.fakes.base import (
    Said,
    drop_after,
    error_after,
    raw_stream,
    say,
    silence,
    status,
)
from tests.support.fakes.openai_responses import response_frames

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}
CALLS = (
    ("call_a", "get_weather", {"city": "Zürich"}),
    ("call_b", "get_weather", {"city": "Bern"}),
)

EVENT: TypeAdapter = TypeAdapter(ResponseStreamEvent)
# How many frames of each vendor's stream hold the first word, and not yet the last.
WORDS = {"openai": 6, "anthropic": 4, "gemini": 2}
UNSTORED = {"model": "gpt-fake", "store": False}


class City(BaseModel):
    name: str


@every_vendor
async def test_a_whole_response_has_its_text_and_usage(sdk, gateway):
    answer = await sdk.responses.create(model=gateway.model, input="Hello")
    assert answer.object == "response"
    assert answer.status == "completed"
    assert answer.output_text == "Hello, wörld 🌍"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (120, 50)
    assert answer.usage.input_tokens_details.cached_tokens == 20


@every_vendor
async def test_the_sdks_own_stream_helper_gathers_the_same(sdk, gateway):
    gateway.fake.will(say(Said(reasoning=("Let me ", "think."))))
    async with sdk.responses.stream(model=gateway.model, input="Hello") as stream:
        seen = [event.type async for event in stream]
        answer = await stream.get_final_response()
    assert answer.output_text == "Hello, wörld 🌍"
    assert answer.output[-1].type == "message"
    assert seen[0] == "response.created"
    assert seen[-1] == "response.completed"
    assert seen.count("response.output_text.delta") == 3


@every_vendor
async def test_parallel_calls_and_their_round_trip(sdk, gateway):
    gateway.fake.will(say(Said(text=(), calls=CALLS)), say(Said(text=("Sunny.",))))
    asked = [{"role": "user", "content": "Weather in Zürich and Bern?"}]
    first = await sdk.responses.create(model=gateway.model, input=asked, tools=[WEATHER])
    calls = [item for item in first.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Zürich", "Bern"]
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": '{"sky": "clear"}'}
        for call in calls
    ]
    second = await sdk.responses.create(
        model=gateway.model,
        input=[*asked, *(item.model_dump(exclude_none=True) for item in first.output), *results],
        tools=[WEATHER],
    )
    assert second.output_text == "Sunny."
    assert "clear" in json.dumps(gateway.fake.last.body)


@every_vendor
async def test_structured_output_by_the_sdks_own_parser(sdk, gateway):
    gateway.fake.will(say(Said(text=('{"name": ', '"Basel"}'))))
    answer = await sdk.responses.parse(model=gateway.model, input="Where?", text_format=City)
    assert answer.output_parsed == City(name="Basel")


@translated
async def test_reasoning_goes_back_with_its_proof(sdk, gateway):
    gateway.fake.will(say(Said(reasoning=("Hm.",), signature="c2lnbmVk", calls=CALLS[:1])))
    first = await sdk.responses.create(model=gateway.model, input="Hi", tools=[WEATHER])
    result = {"type": "function_call_output", "call_id": "call_a", "output": "clear"}
    given = [item.model_dump(exclude_none=True) for item in first.output]
    await sdk.responses.create(
        model=gateway.model,
        input=[{"role": "user", "content": "Hi"}, *given, result],
        tools=[WEATHER],
    )
    assert "c2lnbmVk" in json.dumps(gateway.fake.last.body)


@translated
async def test_settings_reach_the_provider(sdk, gateway):
    await sdk.responses.create(
        model=gateway.model,
        instructions="Be brief.",
        input="Hello",
        max_output_tokens=77,
        temperature=0.5,
        tools=[WEATHER],
        tool_choice="required",
        store=False,
    )
    sent = json.dumps(gateway.fake.last.body)
    for piece in ("Be brief.", "77", "0.5", "get_weather"):
        assert piece in sent


@translated
async def test_what_only_openai_keeps_is_refused_by_name(sdk, gateway):
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.responses.create(model=gateway.model, input="Hi", previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"
    assert refused.value.code == "unsupported_parameter"
    assert gateway.fake.requests == []


async def test_bytes_pass_both_ways_where_the_provider_speaks_responses(client, gateway):
    asked = {"model": gateway.model, "input": "Hi", "stream": True, "future_option": {"a": 1}}
    asked["store"] = False
    answer = await client.post("/openai/v1/responses", json=asked, headers=gateway.headers)
    assert gateway.fake.last.path == "/v1/responses"
    assert gateway.fake.last.body == asked | {"model": "gpt-fake"}
    assert answer.content == b"".join(response_frames(Said(), UNSTORED))


@pytest.mark.parametrize("size", [1, 7, 100])
async def test_a_stream_cut_anywhere_arrives_whole(client, gateway, size):
    whole = b"".join(response_frames(Said(), UNSTORED))
    gateway.fake.will(raw_stream(*(whole[i : i + size] for i in range(0, len(whole), size))))
    asked = {"model": gateway.model, "input": "Hi", "stream": True}
    answer = await client.post("/openai/v1/responses", json=asked, headers=gateway.headers)
    assert answer.content == whole


async def test_an_error_after_the_beginning_is_told_as_the_sdk_expects_it(sdk, gateway):
    said = {"type": "response.failed", "response": {"error": {"message": "Oh.", "code": "x"}}}
    head = response_frames(Said(), {"model": "gpt-fake"})[:6]
    fault = b"event: response.failed\ndata: " + orjson.dumps(said) + b"\n\n"
    gateway.fake.will(raw_stream(*head, fault))
    stream = await sdk.responses.create(model=gateway.model, input="Hi", stream=True)
    seen = []

    async def read():
        async for event in stream:
            seen.append(event.type)  # noqa: PERF401 - what came before the error is kept

    with pytest.raises(openai.APIError, match=r"Oh\."):
        await read()
    assert "response.output_text.delta" in seen
    assert "response.completed" not in seen


@every_vendor
async def test_the_error_of_a_broken_stream_is_an_event_of_the_vendors(client, gateway):
    gateway.fake.will(drop_after(WORDS[gateway.fake.kind]))
    asked = {"model": gateway.model, "input": "Hi", "stream": True}
    answer = await client.post("/openai/v1/responses", json=asked, headers=gateway.headers)
    events = [orjson.loads(data) for data in payloads(answer.content)]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    last = EVENT.validate_python(events[-1])
    assert isinstance(last, ResponseErrorEvent)
    assert (last.code, len(events) > 2) == ("provider_interrupted", True)


async def test_a_call_that_takes_too_long_ends_in_an_event_of_the_vendors(client, gateway):
    gateway.fake.will(silence(6))
    asked = {"model": gateway.model, "input": "Hi", "stream": True}
    headers = gateway.headers | {"X-Luminous-Timeout": "0.5"}
    answer = await client.post("/openai/v1/responses", json=asked, headers=headers)
    events = [orjson.loads(data) for data in payloads(answer.content)]
    assert [event["sequence_number"] for event in events] == list(range(7))
    assert EVENT.validate_python(events[-1]).code == "call_timed_out"


@translated
async def test_a_translated_stream_that_breaks_ends_in_an_error(sdk, gateway):
    gateway.fake.will(error_after(4))
    stream = await sdk.responses.create(model=gateway.model, input="Hi", stream=True)
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass


@every_vendor
async def test_a_refused_request_is_in_the_vendors_envelope(sdk, gateway):
    gateway.fake.will(status(400, "The prompt is too long: context length exceeded."))
    with pytest.raises(openai.BadRequestError) as refused:
        await sdk.responses.create(model=gateway.model, input="Hi")
    assert (refused.value.code, refused.value.param) == ("context_length_exceeded", "input")


async def test_the_demo_provider_answers_too(sdk, gateway):
    answer = await sdk.responses.create(model="demo/chat?tokens=5", input="Hello")
    assert answer.usage.output_tokens == 5
