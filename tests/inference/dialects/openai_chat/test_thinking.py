"""Signed reasoning in Chat Completions: `thinking_blocks` that go back to their own model only."""

import orjson
import pytest

from app.inference.dialects.errors import RequestInvalid
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.providers.types import (
    ChatResult,
    Finished,
    ReasoningDelta,
    ReasoningPart,
    TextDelta,
    TextPart,
    Usage,
)
from tests.inference.dialects.targets import target_of

DIALECT = OpenAIChat()
HELLO = {"role": "user", "content": "Hi"}
ASK = DIALECT.read(orjson.dumps({"model": "auto", "messages": [HELLO], "stream": True}))
PARTS = (
    ReasoningPart("", None, "c2VjcmV0"),
    ReasoningPart("Let me think.", "c2ln"),
    TextPart("Well."),
)
EVENTS = (
    ReasoningDelta("", None, "c2VjcmV0"),
    ReasoningDelta("Let me "),
    ReasoningDelta("think."),
    ReasoningDelta("", "c2ln"),
    TextDelta("Well."),
    Finished("stop", "m", "r"),
)


@pytest.fixture
def claude(settings):
    return target_of("anthropic", settings, "claude-1")


def whole_message():
    result = ChatResult(PARTS, "stop", Usage(), "m", "r")
    return orjson.loads(DIALECT.render(result, "claude-1", ASK))["choices"][0]["message"]


def streamed_blocks():
    renderer = DIALECT.renderer(ASK, "claude-1")
    frames = b"".join(renderer.render(event) for event in EVENTS).split(b"\n\n")
    chunks = [orjson.loads(frame[6:]) for frame in frames if frame.startswith(b"data: {")]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    return [block for delta in deltas for block in delta.get("thinking_blocks", ())]


def request_with(message):
    return {"model": "auto", "messages": [HELLO, message, HELLO]}


def parsed(message, target):
    ask = DIALECT.read(orjson.dumps(request_with(message)))
    return DIALECT.parse(ask, target).messages[1].parts


def test_what_a_model_has_signed_goes_back_to_it(claude):
    again = parsed(whole_message(), claude)
    assert [(part.signature, part.redacted) for part in again[:2]] == [
        (None, "c2VjcmV0"),
        ("c2ln", None),
    ]
    assert again[1].text == "Let me think."
    assert {part.dialect for part in again[:2]} == {"anthropic_messages"}


def test_a_stream_tells_the_blocks_of_the_whole_message():
    numbered = streamed_blocks()
    assert [block.pop("index") for block in numbered] == [0, 1]
    assert numbered == whole_message()["thinking_blocks"]


def test_another_model_gets_no_foreign_signature(settings):
    other = target_of("anthropic", settings, "claude-2")
    again = parsed(whole_message(), other)
    assert [getattr(part, "signature", None) for part in again] == [None, None, None]
    assert [getattr(part, "redacted", None) for part in again[:2]] == [None, None]


def test_a_server_of_the_dialect_gets_the_message_without_them():
    body = orjson.dumps(request_with(whole_message()))
    sent = orjson.loads(DIALECT.upstream_body(DIALECT.read(body), "gpt-1"))
    assert sent["model"] == "gpt-1"
    assert "thinking_blocks" not in sent["messages"][1]
    assert sent["messages"][1]["content"] == "Well."


def test_blocks_of_the_clients_own_pass_as_they_are():
    block = {"type": "thinking", "thinking": "Hm.", "signature": "own"}
    message = {"role": "assistant", "content": "Well.", "thinking_blocks": [block]}
    ask = DIALECT.read(orjson.dumps(request_with(message)))
    assert orjson.loads(DIALECT.upstream_body(ask, "gpt-1"))["messages"][1] == message


@pytest.mark.parametrize("blocks", ["x", ["x"], [{"type": "thinking"}]])
def test_what_is_no_block_is_refused_by_its_place(claude, blocks):
    message = {"role": "assistant", "content": "Well.", "thinking_blocks": blocks}
    with pytest.raises(RequestInvalid) as refused:
        parsed(message, claude)
    assert refused.value.param.startswith("messages[1].thinking_blocks")
