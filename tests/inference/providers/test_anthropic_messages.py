import pytest

from app.inference.providers.anthropic_messages import AnthropicCodec
from app.inference.providers.codec import Unsupported, expect_words
from app.inference.providers.types import (
    ImagePart,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    ToolSpec,
)
from tests.inference.providers.asking import WEATHER, ask, assistant, streamed, user
from tests.support.fakes.base import Said, event, raw_stream, say

DIALECT = "anthropic_messages"
codec = AnthropicCodec("https://api.anthropic.com")


def encode(*messages, model="claude-sonnet-4-5", **fields):
    request = ask(model, *messages, **fields)
    expect_words(request, codec)
    return codec.encode(request, streaming=False)


def test_a_whole_conversation_is_encoded():
    body = encode(
        Message("system", (TextPart("Be brief."),)),
        Message(
            "user",
            (
                TextPart("Look:"),
                ImagePart("image/png", data=b"png"),
                ImagePart("image/png", url="https://x/y.png"),
            ),
        ),
        Message(
            "assistant",
            (
                ReasoningPart("Hm.", "sig", None, DIALECT),
                ReasoningPart("", None, "enc", DIALECT),
                ReasoningPart("Unsigned.", None, None, DIALECT),
                TextPart(""),
                ToolCallPart("c1", "get_weather", '{"city":"Paris"}'),
            ),
        ),
        Message("tool", (ToolResultPart("c1", "get_weather", "sunny"),)),
        Message("tool", (ToolResultPart("c2", "get_weather", "gone", is_error=True),)),
        user("Thanks"),
        Message("system", (TextPart("Be kind."),)),
        assistant(""),
        temperature=0.5,
        top_p=0.9,
        stop=("END",),
        user="u1",
    )
    assert body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 8192,
        "stream": False,
        "system": "Be brief.\n\nBe kind.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look:"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"},
                    },
                    {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "enc"},
                    {
                        "type": "tool_use",
                        "id": "c1",
                        "name": "get_weather",
                        "input": {"city": "Paris"},
                    },
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "sunny"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "c2",
                        "content": "gone",
                        "is_error": True,
                    },
                    {"type": "text", "text": "Thanks"},
                ],
            },
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u1"},
    }


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("required", None, {"type": "any"}),
        ("none", False, {"type": "none"}),
        (NamedTool("f"), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
    ],
)
def test_the_choice_of_tools(choice, parallel, expected):
    tools = (WEATHER, ToolSpec("f", strict=True))
    body = encode(user("Hi"), tools=tools, tool_choice=choice, parallel_tool_calls=parallel)
    assert body.get("tool_choice") == expected
    assert body["tools"][0]["input_schema"] == WEATHER.parameters
    assert body["tools"][1]["strict"] is True


def test_a_schema_goes_into_the_output_config():
    schema = {"type": "object"}
    body = encode(user("Hi"), response_format=ResponseFormat("json_schema", schema=schema))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": schema}}


@pytest.mark.parametrize(
    ("model", "effort", "limit", "expected"),
    [
        (
            "claude-sonnet-4-5-20250929",
            "low",
            None,
            {"max_tokens": 2048 + 8192, "thinking": {"type": "enabled", "budget_tokens": 2048}},
        ),
        (
            "claude-opus-4",
            "high",
            4000,
            {"max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000}},
        ),
        (
            "claude-opus-4-6",
            "high",
            4000,
            {
                "max_tokens": 4000,
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "high"},
            },
        ),
        (
            "claude-sonnet-5",
            "minimal",
            None,
            {
                "max_tokens": 8192,
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "low"},
            },
        ),
        (
            "claude-3-7-sonnet-latest",
            "none",
            None,
            {"max_tokens": 4096, "thinking": {"type": "disabled"}},
        ),
    ],
)
def test_reasoning_effort_is_a_budget_or_an_effort(model, effort, limit, expected):
    body = encode(user("Hi"), model=model, reasoning_effort=effort, max_output_tokens=limit)
    names = ("max_tokens", "thinking", "output_config")
    assert {name: body[name] for name in names if name in body} == expected


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"response_format": ResponseFormat("json_object")}, "json_object"),
        ({"reasoning_effort": "low", "max_output_tokens": 500}, "max_output_tokens"),
    ],
)
def test_what_the_dialect_cannot_say_is_refused_by_name(fields, named):
    with pytest.raises(Unsupported, match=named):
        encode(user("Hi"), **fields)


def test_arguments_that_are_no_json_are_refused():
    with pytest.raises(Unsupported, match="arguments of the call c1"):
        encode(user("Hi"), Message("assistant", (ToolCallPart("c1", "f", "{"),)))


async def test_thoughts_keep_their_signatures_and_redacted_ones_their_content(
    anthropic_fake, build
):
    said = Said(reasoning=("Let me ", "think."), signature="c2ln", redacted="ZW5j")
    anthropic_fake.will(say(said), say(said))
    provider = build(anthropic_fake)
    for answer in (await provider.complete(ask()), await streamed(provider, ask())):
        assert answer.parts == (
            ReasoningPart("", None, "ZW5j", DIALECT),
            ReasoningPart("Let me think.", "c2ln", None, DIALECT),
            TextPart("Hello, wörld 🌍"),
        )
        body = encode(user("Hi"), Message("assistant", answer.parts))
        assert body["messages"][1]["content"] == anthropic_fake.blocks(said)


async def test_a_stop_without_a_reason_is_garbled(anthropic_fake, build):
    frames = anthropic_fake.frames(Said(), {"model": "m"})
    anthropic_fake.will(raw_stream(*frames[:-2], frames[-1]))
    with pytest.raises(Exception, match="no stop reason"):
        await streamed(build(anthropic_fake), ask())


async def test_events_and_blocks_of_tomorrow_are_passed_over(anthropic_fake, build):
    new = {"type": "content_block_start", "index": 7, "content_block": {"type": "novel"}}
    delta = {"type": "content_block_delta", "index": 7, "delta": {"type": "novel_delta"}}
    frames = anthropic_fake.frames(Said(), {"model": "m"})
    extra = [event(new), event(delta), event({"type": "novel_event"})]
    anthropic_fake.will(raw_stream(frames[0], *extra, *frames[1:]))
    assert (await streamed(build(anthropic_fake), ask())).text == "Hello, wörld 🌍"


async def test_every_page_of_models_is_read(anthropic_fake, build):
    pages = [{"has_more": True, "last_id": "a"}, {"has_more": False, "last_id": "b"}]
    anthropic_fake.models = lambda: {"data": [{"id": "m"}], **pages.pop(0)}
    assert len(await build(anthropic_fake).list_models()) == 2
    assert anthropic_fake.last.query == {"limit": "1000", "after_id": "a"}
