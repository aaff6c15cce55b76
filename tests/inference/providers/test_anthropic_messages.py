import pytest

from app.inference.providers.anthropic_messages import AnthropicCodec
from app.inference.providers.codec import Unsupported, expect_words
from app.inference.providers.types import (
    Citation,
    FilePart,
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


def test_hints_documents_and_attachments_are_encoded():
    body = encode(
        Message("system", (TextPart("Be brief.", cache="1h"),)),
        Message(
            "user",
            (
                FilePart("text/plain", b"Grass is green.", name="Grass", cited=True),
                TextPart("Look", cache="5m"),
            ),
        ),
        assistant("Yes."),
        Message(
            "tool",
            (ToolResultPart("c1", "f", "seen", attachments=(ImagePart("image/png", b"png"),)),),
        ),
        tools=(ToolSpec("f", cache="5m"),),
        top_k=5,
        service_tier="default",
    )
    assert body["system"] == [
        {
            "type": "text",
            "text": "Be brief.",
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        }
    ]
    document, text = body["messages"][0]["content"]
    assert document["citations"] == {"enabled": True}
    assert document["source"]["data"] == "Grass is green."
    assert text["cache_control"] == body["tools"][0]["cache_control"] == {"type": "ephemeral"}
    result = body["messages"][2]["content"][0]
    assert [block["type"] for block in result["content"]] == ["text", "image"]
    assert (body["top_k"], body["service_tier"]) == (5, "standard_only")


@pytest.mark.parametrize(
    ("model", "budget", "thinking"),
    [
        ("claude-sonnet-4-5", 3000, {"type": "enabled", "budget_tokens": 3000}),
        ("claude-sonnet-4-5", -1, {"type": "enabled", "budget_tokens": 8192}),
        ("claude-sonnet-4-5", 0, {"type": "disabled"}),
        ("claude-sonnet-5", 0, {"type": "disabled"}),
        ("claude-sonnet-5", -1, {"type": "adaptive", "display": "omitted"}),
        ("claude-sonnet-5", 9000, {"type": "adaptive", "display": "omitted"}),
    ],
)
def test_a_budget_of_reasoning_is_one_or_an_effort(model, budget, thinking):
    shows = False if "display" in thinking else None
    body = encode(user("Hi"), model=model, reasoning_budget=budget, shows_reasoning=shows)
    assert body["thinking"] == thinking
    assert body.get("output_config") == ({"effort": "high"} if budget == 9000 else None)


def test_a_file_that_nobody_reads_is_refused_by_name():
    with pytest.raises(Unsupported, match="audio/wav"):
        encode(Message("user", (FilePart("audio/wav", b"wav"),)))
    with pytest.raises(Unsupported, match="service_tier"):
        encode(user("Hi"), service_tier="flex")


async def test_citations_and_the_stop_sequence_are_read(anthropic_fake, build):
    cited = {
        "type": "page_location",
        "cited_text": "green",
        "document_index": 1,
        "document_title": "Grass",
        "start_page_number": 2,
        "end_page_number": 3,
    }
    frames = anthropic_fake.frames(Said(finish="stop_sequence"), {"model": "m"})
    delta = {"type": "citations_delta", "citation": cited}
    novel = {"type": "citations_delta", "citation": {"type": "novel_location"}}
    rows = [{"type": "content_block_delta", "index": 0, "delta": d} for d in (delta, novel)]
    extra = [event(row, "content_block_delta") for row in rows]
    last = frames[-2].replace(b'"stop_sequence":null', b'"stop_sequence":"END"')
    anthropic_fake.will(raw_stream(*frames[:-3], *extra, frames[-3], last, frames[-1]))
    answer = await streamed(build(anthropic_fake), ask())
    citation = Citation("page", 2, 3, "green", "Grass", None, 1)
    assert answer.parts == (TextPart("Hello, wörld 🌍", (citation,)),)
    assert answer.stop_sequence == "END"
