"""Chat completions through the unmodified OpenAI SDK, for each vendor upstream."""

import json

import pytest
from pydantic import BaseModel

from app.inference.dialects.openai_chat import OpenAIChat
from tests.inference.relay.conftest import every_vendor, translated
from tests.support.fakes.base import Said, say

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
CALLS = (
    ("call_a", "get_weather", {"city": "Zürich"}),
    ("call_b", "get_weather", {"city": "Bern"}),
)
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@every_vendor
async def test_a_whole_answer_has_its_text_and_usage(sdk, gateway):
    answer = await sdk.chat.completions.create(model=gateway.model, messages=HELLO)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content == "Hello, wörld 🌍"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 120
    assert answer.usage.completion_tokens == 50
    assert answer.usage.prompt_tokens_details.cached_tokens == 20


@every_vendor
async def test_a_stream_has_the_same_text_and_no_usage_unless_asked(sdk, gateway):
    stream = await sdk.chat.completions.create(model=gateway.model, messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "Hello, wörld 🌍"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


@every_vendor
async def test_usage_comes_last_and_once_where_it_is_asked_for(sdk, gateway):
    stream = await sdk.chat.completions.create(
        model=gateway.model, messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert [chunk.usage is not None for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 170


@every_vendor
async def test_parallel_tool_calls_and_their_round_trip(sdk, gateway):
    gateway.fake.will(say(Said(text=(), calls=CALLS)), say(Said(text=("Sunny.",))))
    asked = [{"role": "user", "content": "Weather in Zürich and Bern?"}]
    first = await sdk.chat.completions.create(
        model=gateway.model, messages=asked, tools=[WEATHER], tool_choice="auto"
    )
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert [json.loads(c.function.arguments)["city"] for c in message.tool_calls] == [
        "Zürich",
        "Bern",
    ]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear"}'}
        for call in message.tool_calls
    ]
    second = await sdk.chat.completions.create(
        model=gateway.model,
        messages=[*asked, message.model_dump(exclude_none=True), *results],
        tools=[WEATHER],
    )
    assert second.choices[0].message.content == "Sunny."
    assert "clear" in json.dumps(gateway.fake.last.body)


@every_vendor
async def test_streamed_tool_calls_come_in_pieces_with_their_index(sdk, gateway):
    gateway.fake.will(say(Said(text=(), calls=CALLS)))
    stream = await sdk.chat.completions.create(
        model=gateway.model, messages=HELLO, tools=[WEATHER], stream=True
    )
    found: dict[int, list[str]] = {}
    async for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or ():
            if call.id:
                assert call.function.name == "get_weather"
                assert call.index not in found
            found.setdefault(call.index, []).append(call.function.arguments)
    assert [json.loads("".join(pieces))["city"] for pieces in found.values()] == ["Zürich", "Bern"]
    assert list(found) == [0, 1]


class City(BaseModel):
    name: str


@every_vendor
async def test_structured_output_by_the_sdks_own_parser(sdk, gateway):
    gateway.fake.will(say(Said(text=('{"name": ', '"Basel"}'))))
    answer = await sdk.chat.completions.parse(
        model=gateway.model, messages=HELLO, response_format=City
    )
    assert answer.choices[0].message.parsed == City(name="Basel")
    assert '"name"' in json.dumps(gateway.fake.last.body)


@every_vendor
async def test_an_image_reaches_the_provider(sdk, gateway):
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    await sdk.chat.completions.create(
        model=gateway.model, messages=[{"role": "user", "content": parts}]
    )
    assert PIXEL.partition(",")[2] in json.dumps(gateway.fake.last.body)


@translated
async def test_settings_are_translated(sdk, gateway):
    await sdk.chat.completions.create(
        model=gateway.model,
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Yes?"},
            {"role": "user", "content": [{"type": "text", "text": "Again"}]},
        ],
        temperature=0.5,
        top_p=0.9,
        max_completion_tokens=77,
        stop=["END"],
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
        n=1,
        presence_penalty=0,
    )
    sent = json.dumps(gateway.fake.last.body)
    for piece in ("Be brief.", "Yes?", "Again", "0.5", "0.9", "77", "END", "get_weather"):
        assert piece in sent


@translated
async def test_reasoning_stands_beside_the_text(sdk, gateway):
    gateway.fake.will(say(Said(reasoning=("Let me ", "think."))))
    stream = await sdk.chat.completions.create(model=gateway.model, messages=HELLO, stream=True)
    thought = [
        chunk.choices[0].delta.model_extra.get("reasoning_content") or "" async for chunk in stream
    ]
    assert "".join(thought) == "Let me think."


@pytest.mark.parametrize("gateway", ["gemini"], indirect=True)
async def test_a_signed_call_goes_back_with_its_signature(sdk, gateway):
    gateway.fake.will(say(Said(text=(), calls=CALLS[:1], signature="c2lnbmVk")))
    first = await sdk.chat.completions.create(model=gateway.model, messages=HELLO, tools=[WEATHER])
    message = first.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "clear"}
    await sdk.chat.completions.create(
        model=gateway.model,
        messages=[*HELLO, message.model_dump(exclude_none=True), result],
        tools=[WEATHER],
    )
    assert "c2lnbmVk" in json.dumps(gateway.fake.last.body)


async def test_the_models_are_listed_and_found(sdk, gateway):
    listed = [model async for model in await sdk.models.list()]
    assert f"{gateway.fake.kind}/gpt-fake" in {model.id for model in listed}
    assert {model.object for model in listed} == {"model"}
    by_id = await sdk.models.retrieve(gateway.model)
    by_name = await sdk.models.retrieve("gpt-fake")
    assert by_id == by_name


async def test_a_models_own_name_is_enough(sdk, gateway):
    await sdk.models.list()
    await sdk.chat.completions.create(model="gpt-fake", messages=HELLO)
    assert gateway.fake.last.body["model"] == "gpt-fake"


async def test_the_demo_provider_answers_too(sdk, gateway):
    answer = await sdk.chat.completions.create(model="demo/chat?tokens=5", messages=HELLO)
    assert answer.usage.completion_tokens == 5
    with_tool = await sdk.chat.completions.create(
        model="demo/tools?calls=2", messages=HELLO, tools=[WEATHER]
    )
    assert len(with_tool.choices[0].message.tool_calls) == 2
    schema = {"name": "city", "schema": City.model_json_schema(), "strict": True}
    shaped = await sdk.chat.completions.create(
        model="demo/chat",
        messages=HELLO,
        response_format={"type": "json_schema", "json_schema": schema},
    )
    City.model_validate_json(shaped.choices[0].message.content)
    stream = await sdk.chat.completions.create(
        model="demo/chat?tokens=5&delay_ms=1", messages=HELLO, stream=True
    )
    assert len([c async for c in stream if c.choices[0].delta.content]) == 5


async def test_an_image_is_not_estimated_by_its_bytes():
    image = "data:image/png;base64," + "A" * 400_000
    parts = [{"type": "image_url", "image_url": {"url": image}}]
    messages = [{"role": "user", "content": parts}]
    asked = OpenAIChat().read(json.dumps({"model": "x", "messages": messages}).encode())
    assert 800 < asked.estimated_tokens < 1000
