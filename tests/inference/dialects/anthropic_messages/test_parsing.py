"""Messages requests become canonical ones without losing a word, or are refused by name."""

from base64 import b64encode
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.dialects.anthropic_messages import AnthropicMessages
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.dialects.signatures import Proof, wrap
from app.inference.providers.anthropic_messages import AnthropicCodec
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
from tests.inference.dialects.requests import hints, requests
from tests.inference.dialects.targets import target_of

DIALECT = AnthropicMessages()
NAME = "anthropic_messages"
CODEC = AnthropicCodec("https://api.anthropic.com")
HELLO = [{"role": "user", "content": "Hello"}]
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}


def read(**body):
    return DIALECT.read(
        orjson.dumps({"model": "auto", "max_tokens": 99, "messages": HELLO, **body})
    )


def parsed(settings, kind="openai", model="model-1", **body):
    return DIALECT.parse(read(**body), target_of(kind, settings, model))


def answered(*blocks):
    turn = {"role": "assistant", "content": list(blocks)}
    return [*HELLO, turn, {"role": "user", "content": "And?"}]


@given(
    requests(NAME, "claude-sonnet-4-5") | requests(NAME, "claude-sonnet-5"),
    hints,
    st.booleans(),
    st.sampled_from([None, "default"]),
)
def test_what_our_codec_says_is_read_back_as_it_was(settings, request_, hint, serial, tier):
    request = replace(
        request_,
        tools=tuple(replace(tool, cache=hint) for tool in request_.tools),
        parallel_tool_calls=False if serial and request_.tools else None,
        service_tier=tier,
        user="user-1",
    )
    body = CODEC.encode(request, streaming=True)
    ask = DIALECT.read(orjson.dumps(body))
    again = DIALECT.parse(ask, target_of("anthropic", settings, request.model))
    assert CODEC.encode(again, streaming=True) == body
    assert ask.customer == "user-1"
    assert ask.streaming


def test_a_whole_conversation_is_translated(settings):
    image = {"type": "base64", "media_type": "image/png", "data": b64encode(b"png").decode()}
    document = {"type": "text", "media_type": "text/plain", "data": "Grass is green."}
    request = parsed(
        settings,
        system=[
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        ],
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image", "source": image},
                    {"type": "document", "source": document, "title": "Grass"},
                    {"type": "text", "text": "What is it?"},
                ],
            },
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "Hm.", "signature": "sig"}, CALL],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "is_error": True,
                        "content": [
                            {"type": "text", "text": "no"},
                            {"type": "image", "source": image},
                        ],
                    },
                    {"type": "text", "text": "Thanks"},
                ],
            },
        ],
        tools=[{"name": "get_weather", "input_schema": {"type": "object"}}],
        tool_choice={"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True},
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        stop_sequences=["END"],
        metadata={"user_id": "u1"},
    )
    assert request.messages == (
        Message("system", (TextPart("Be brief.", cache="5m"),)),
        Message(
            "user",
            (
                ImagePart("image/png", b"png"),
                FilePart("text/plain", b"Grass is green.", name="Grass"),
                TextPart("What is it?"),
            ),
        ),
        Message(
            "assistant",
            (
                ReasoningPart("Hm.", "sig", None, NAME),
                ToolCallPart("toolu_1", "get_weather", '{"city":"Paris"}'),
            ),
        ),
        Message(
            "tool",
            (
                ToolResultPart(
                    "toolu_1", "get_weather", "no", True, (ImagePart("image/png", b"png"),)
                ),
            ),
        ),
        Message("user", (TextPart("Thanks"),)),
    )
    assert request.tools == (ToolSpec("get_weather", parameters={"type": "object"}),)
    assert request.tool_choice == NamedTool("get_weather")
    assert request.parallel_tool_calls is False
    assert request.response_format == ResponseFormat("json_schema", schema={"type": "object"})
    assert (request.stop, request.user, request.max_output_tokens) == (("END",), "u1", 99)


@pytest.mark.parametrize(
    ("thinking", "config", "effort", "budget", "shown"),
    [
        ({"type": "enabled", "budget_tokens": 2048}, {}, None, 2048, None),
        ({"type": "adaptive", "display": "summarized"}, {"effort": "high"}, "high", -1, True),
        ({"type": "disabled"}, {}, "none", None, None),
        (None, {"effort": "low"}, "low", None, None),
    ],
)
def test_thinking_is_translated(settings, thinking, config, effort, budget, shown):
    asked = {"thinking": thinking, "output_config": config}
    request = parsed(settings, "gemini", "gemini-3-pro", **asked)
    found = (request.reasoning_effort, request.reasoning_budget, request.shows_reasoning)
    assert found == (effort, budget, shown)


@pytest.mark.parametrize("thinking", [{"type": "disabled"}, {"type": "adaptive"}])
def test_a_model_without_reasoning_is_told_nothing_of_it(settings, thinking):
    request = parsed(settings, "openai", "gpt-4o", thinking=thinking)
    assert (request.reasoning_effort, request.reasoning_budget) == (None, None)
    asked = {"type": "enabled", "budget_tokens": 2048}
    assert parsed(settings, "openai", "gpt-4o", thinking=asked).reasoning_budget == 2048


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"mcp_servers": [{"url": "https://x"}]}, "mcp_servers"),
        ({"container": "c1"}, "container"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0.type"),
        ({"tools": [{"name": "f", "defer_loading": True}]}, "tools.0.defer_loading"),
        ({"top_secret": 1}, "top_secret"),
        ({"thinking": {"type": "between_tools"}}, "thinking.type"),
        ({"output_config": {"format": {"type": "text"}}}, "output_config.format.type"),
        (
            {"messages": answered({"type": "server_tool_use", "id": "x"})},
            "messages.1.content.0.type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "search_result"}]}]},
            "messages.0.content.0.type",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
                        ],
                    }
                ]
            },
            "messages.0.content.0.source.type",
        ),
        ({"messages": [*HELLO, {"role": "assistant", "content": "{"}]}, "messages"),
    ],
)
def test_what_cannot_be_translated_is_refused_by_name(settings, body, named):
    with pytest.raises(UnsupportedParameter) as refused:
        parsed(settings, **body)
    assert refused.value.param == named


@pytest.mark.parametrize(
    "body",
    [
        {"speed": "standard", "mcp_servers": [], "context_management": {"edits": []}},
        {"service_tier": "auto"},
        {"tools": [{"name": "f", "input_schema": {}, "eager_input_streaming": True}]},
    ],
)
def test_what_happens_anyway_may_be_asked_for(settings, body):
    assert parsed(settings, **body).extra == {}


def test_what_only_anthropic_understands_goes_there_as_it_is(settings):
    request = parsed(settings, "anthropic", novelty={"x": 1}, inference_geo="us")
    assert request.extra == {"novelty": {"x": 1}, "inference_geo": "us"}
    assert CODEC.encode(request, streaming=False)["novelty"] == {"x": 1}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [1]}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": {}, "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"temperature": 2}, "temperature"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"cache_control": {"type": "eternal"}}, "cache_control"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "nowhere"}],
                    }
                ]
            },
            "messages.0.content.0.tool_use_id",
        ),
    ],
)
def test_a_mistake_is_named_by_its_place(settings, body, param):
    with pytest.raises(RequestInvalid) as refused:
        parsed(settings, **body)
    assert refused.value.param == param


def test_the_hint_for_the_whole_request_is_the_last_blocks(settings):
    request = parsed(settings, cache_control={"type": "ephemeral", "ttl": "1h"})
    assert request.messages[-1].parts == (TextPart("Hello", cache="1h"),)


def test_citations_come_back_with_the_words_they_stand_with(settings):
    cited = {
        "type": "char_location",
        "cited_text": "green",
        "document_index": 0,
        "document_title": None,
        "start_char_index": 9,
        "end_char_index": 14,
    }
    block = {"type": "text", "text": "It is green.", "citations": [cited]}
    request = parsed(settings, "anthropic", messages=answered(block))
    assert request.messages[1].parts == (
        TextPart("It is green.", (Citation("character", 9, 14, "green", None, None, 0),)),
    )
    assert CODEC.encode(request, streaming=False)["messages"][1]["content"] == [block]


def test_a_proof_goes_back_to_the_model_that_gave_it_and_to_no_other(settings):
    signed = wrap(Proof("gemini-3-pro", "c2ln"))
    proof = wrap(Proof("gemini-3-pro", "Y2FsbA==", "toolu_1"))
    messages = answered(
        {"type": "thinking", "thinking": "Hm.", "signature": signed},
        {"type": "redacted_thinking", "data": proof},
        CALL,
    )
    own = parsed(settings, "gemini", "gemini-3-pro", messages=messages)
    assert own.messages[1].parts == (
        ReasoningPart("Hm.", "c2ln", None, "gemini"),
        ToolCallPart("toolu_1", "get_weather", '{"city":"Paris"}', "Y2FsbA==", "gemini"),
    )
    other = parsed(settings, "anthropic", "claude-sonnet-5", messages=messages)
    assert other.messages[1].parts == (
        ReasoningPart("Hm."),
        ToolCallPart("toolu_1", "get_weather", '{"city":"Paris"}'),
    )
    ask = read(messages=messages)
    passed = orjson.loads(DIALECT.upstream_body(ask, "claude-sonnet-5"))
    assert passed["messages"][1]["content"] == [CALL]
    assert passed["model"] == "claude-sonnet-5"


def test_bytes_go_on_unchanged_but_for_the_models_name():
    body = b'{ "max_tokens":9, "messages":[{"role":"user","content":"Hi"}], "model": "a/b" }'
    ask = DIALECT.read(body)
    assert DIALECT.upstream_body(ask, "claude") == body.replace(b'"a/b"', b'"claude"')


def test_a_hint_inside_a_result_is_the_results(settings):
    said = {"type": "text", "text": "sunny", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [said]}
    turns = [{"role": "assistant", "content": [CALL]}, {"role": "user", "content": [result]}]
    request = parsed(settings, "anthropic", messages=[*HELLO, *turns])
    assert request.messages[-1].parts[0].cache == "1h"


def test_a_thread_is_kept_by_nobody_who_reads_the_request(settings):
    with pytest.raises(UnsupportedParameter) as refused:
        parsed(settings, "anthropic", thread={"type": "create"})
    _, _, body = DIALECT.error_response(refused.value)
    details = orjson.loads(body)["error"]["details"]
    assert details == {"error_code": "thread_unsupported_request"}
