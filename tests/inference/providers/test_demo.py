"""The demo provider, through the same adapter as every other."""

import asyncio
import time
from contextlib import aclosing

import orjson
import pytest

from app.inference.providers import errors
from app.inference.providers.demo.examples import example
from app.inference.providers.demo.options import MODELS
from app.inference.providers.registry import build_provider
from app.inference.providers.transport import Transport
from app.inference.providers.types import (
    CONTINUE_PROMPT,
    TITLE_PROMPT,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from tests.inference.providers.asking import (
    WEATHER,
    ask,
    assistant,
    events_of,
    streamed,
    text_until_error,
    user,
)

FAST = "?delay_ms=0"


async def test_the_answer_says_what_it_is_and_repeats_the_question(demo_provider):
    answer = await demo_provider.complete(ask("chat", user("Why is   the sky blue?")))
    assert "demo provider" in answer.text
    assert "Why is the sky blue?" in answer.text
    assert "add a key" in answer.text
    assert 60 <= len(answer.text.split()) <= 95
    assert answer.usage.output_tokens == len(answer.text.split())


async def test_stream_and_whole_answer_are_the_same_every_time(demo_provider):
    whole = await demo_provider.complete(ask("chat"))
    for _ in range(2):
        assert (await streamed(demo_provider, ask("chat" + FAST))).parts == whole.parts


async def test_the_usual_pace_is_thirty_milliseconds_a_token(demo_provider):
    started = time.monotonic()
    await streamed(demo_provider, ask("chat?tokens=11"))
    assert 0.25 < time.monotonic() - started < 5.0


async def test_reasoning_comes_first(demo_provider):
    answer = await streamed(demo_provider, ask("reasoning" + FAST))
    assert [type(part) for part in answer.parts] == [ReasoningPart, TextPart]
    assert answer.usage.reasoning_tokens > 0


@pytest.mark.parametrize("calls", [1, 2])
async def test_tools_are_called_and_their_result_is_told(demo_provider, calls):
    request = ask(f"tools?calls={calls}&delay_ms=0", tools=(WEATHER,))
    answer = await streamed(demo_provider, request)
    assert [(p.name, p.arguments) for p in answer.parts] == [
        ("get_weather", '{"city":"demo"}')
    ] * calls
    assert answer.finish_reason == "tool_calls"
    assert len({part.id for part in answer.parts}) == calls
    results = tuple(ToolResultPart(p.id, p.name, "sunny") for p in answer.parts)
    turns = (user("Weather?"), Message("assistant", answer.parts), Message("tool", results))
    after = await demo_provider.complete(ask("tools", *turns, tools=(WEATHER,)))
    assert "sunny" in after.text


async def test_a_forced_tool_is_called_by_any_model(demo_provider):
    request = ask("chat", tools=(WEATHER,), tool_choice=NamedTool("get_weather"))
    (call,) = (await demo_provider.complete(request)).parts
    assert isinstance(call, ToolCallPart)


async def test_without_tools_the_tools_model_answers(demo_provider):
    assert (await demo_provider.complete(ask("tools"))).text


@pytest.mark.parametrize("cut", [0, 1, 7, 39, 200, 10_000])
async def test_a_continuation_is_exactly_the_rest(demo_provider, cut):
    full = (await demo_provider.complete(ask("chat?tokens=90"))).text
    partial = full[:cut]
    turns = (user("Hello"), assistant(partial), user(CONTINUE_PROMPT))
    rest = await streamed(demo_provider, ask("chat?tokens=90&delay_ms=0", *turns))
    assert partial + rest.text == full


async def test_a_continuation_can_itself_be_continued(demo_provider):
    full = (await demo_provider.complete(ask("chat"))).text
    turns = (user("Hello"),)
    text = ""
    for _ in range(20):
        request = ask("drop?delay_ms=2", *turns)
        try:
            text += (await streamed(demo_provider, request)).text
            break
        except errors.ProviderInterrupted:
            said, _ = await text_until_error(demo_provider, request)
            text += said
            turns += (assistant(said), user(CONTINUE_PROMPT))
    assert text == full


async def test_a_title_is_made_of_the_first_words(demo_provider):
    system = Message("system", (TextPart(TITLE_PROMPT),))
    asked = user("how do I, a beginner, bake bread at home?")
    answer = await demo_provider.complete(ask("chat", system, asked))
    assert answer.text == "How do I a beginner bake"


async def test_structured_output_satisfies_its_schema(demo_provider):
    schema = {"type": "object", "properties": {"a": {"enum": ["x"]}}, "required": ["a"]}
    wanted = ResponseFormat("json_schema", schema=schema)
    assert (await demo_provider.complete(ask("chat", response_format=wanted))).text == '{"a":"x"}'
    whatever = ResponseFormat("json_object")
    answer = await demo_provider.complete(ask("chat", response_format=whatever))
    assert answer.text.startswith("{")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"$ref": "#/$defs/n", "$defs": {"n": {"const": 4}}}, 4),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"type": "array"}, []),
        ({"properties": {"a": {"type": "null"}, "b": {}}, "minProperties": 1}, {"a": None}),
        ({"type": "integer", "minimum": 3, "multipleOf": 5}, 5),
        ({"type": "number", "exclusiveMinimum": 1}, 2),
        ({"type": "integer", "maximum": -3}, -4),
        ({"type": "string", "minLength": 6}, "demooo"),
        ({"type": "string", "maxLength": 2}, "de"),
        ({"type": "string", "examples": ["2 + 2"]}, "2 + 2"),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": ["null", "string"]}, None),
        (
            {
                "allOf": [
                    {"properties": {"a": {"const": 1}}, "required": ["a"]},
                    {"properties": {"b": {"const": 2}}, "required": ["b"]},
                ]
            },
            {"a": 1, "b": 2},
        ),
    ],
)
def test_an_example_satisfies_its_schema(schema, expected):
    assert example(schema) == expected


def test_a_schema_that_asks_for_too_much_ends():
    branch = {"type": "array", "minItems": 1000, "items": {"$ref": "#"}}
    started = time.process_time()
    example(branch)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("rate-limit", errors.ProviderRateLimited),
        ("overloaded", errors.ProviderOverloaded),
        ("unauthorized", errors.ProviderAuthFailed),
        ("context-too-long", errors.ContextTooLong),
        ("content-filter", errors.ContentFiltered),
        ("error", errors.ProviderFailed),
        ("drop", errors.ProviderInterrupted),
        ("drop-early", errors.ProviderUnreachable),
        ("garbage", errors.ProviderGarbled),
        ("garbage-body", errors.ProviderGarbled),
        ("no-end", errors.ProviderGarbled),
        ("nothing", errors.ModelNotFound),
        ("chat?tokens=0", errors.ProviderRejected),
        ("chat?tokens=1e3", errors.ProviderRejected),
        ("chat?colour=red", errors.ProviderRejected),
        ("chat?model=x", errors.ProviderRejected),
    ],
)
async def test_every_misbehaviour_is_its_error(demo_provider, model, expected):
    _, error = await text_until_error(demo_provider, ask(model))
    assert type(error) is expected
    if model not in ("drop", "drop-early"):
        with pytest.raises(expected):
            await demo_provider.complete(ask(model))


async def test_the_silent_model_says_nothing_at_all(demo, impatient):
    async with Transport(impatient) as transport:
        provider = build_provider("demo", demo.base_url, "", transport, impatient, True)
        _, error = await text_until_error(provider, ask("silent"))
    assert type(error) is errors.ProviderTimedOut


async def test_a_rate_limit_says_when_to_come_back(demo_provider):
    _, error = await text_until_error(demo_provider, ask("rate-limit?retry_after=42"))
    assert error.retry_after == 42


async def test_a_drop_comes_after_so_many_tokens(demo_provider):
    text, error = await text_until_error(demo_provider, ask("chat?drop_after=5&delay_ms=5"))
    assert type(error) is errors.ProviderInterrupted
    assert len(text.split()) == 5


async def test_the_first_requests_fail_and_then_it_answers(demo_provider):
    request = ask("chat?fail_times=2")
    for _ in range(2):
        with pytest.raises(errors.ProviderOverloaded):
            await demo_provider.complete(request)
    assert (await demo_provider.complete(request)).text


async def test_limits_and_stops_are_honoured(demo_provider):
    answer = await demo_provider.complete(ask("chat", max_output_tokens=3))
    assert (answer.text, answer.finish_reason) == ("This is the", "length")
    answer = await demo_provider.complete(ask("chat", stop=(" demo",)))
    assert (answer.text, answer.finish_reason) == ("This is the", "stop")


async def test_its_models_are_listed_as_its_own(demo_provider):
    models = await demo_provider.list_models()
    assert [model.name for model in models] == list(MODELS)
    assert {model.owner for model in models} == {"luminous-demo"}


async def test_a_cancel_is_seen_upstream(demo, demo_provider):
    async with aclosing(demo_provider.stream(ask("chat?tokens=5000"))) as stream:
        await anext(stream)
        assert demo.in_flight == 1
    async with asyncio.timeout(20):
        while demo.in_flight or demo.open_connections:  # noqa: ASYNC110 - it is another's state
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("messages", [[], "x", [1], [{}], [{"role": "user"}]])
async def test_a_bad_request_gets_an_answer_and_not_a_crash(demo, transport, messages):
    body = orjson.dumps({"model": "chat", "messages": messages, "tools": ["x"]})
    url = f"{demo.base_url}/chat/completions"
    exchange = await transport.open("POST", url, headers={}, body=body, allow_private=True)
    assert exchange.status == 400
    await exchange.read_body()


async def test_a_hundred_streams_at_once_lose_nothing(demo_provider):
    request = ask("chat?tokens=60&delay_ms=5")
    answers = await asyncio.gather(*[events_of(demo_provider, request) for _ in range(100)])
    assert {len(events) for events in answers} == {62}
