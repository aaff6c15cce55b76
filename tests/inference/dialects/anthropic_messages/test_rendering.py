"""Events and results as messages, read by Anthropic's own SDK."""

from itertools import pairwise

import orjson
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.inference.dialects.anthropic_messages import AnthropicMessages
from app.inference.dialects.anthropic_messages.render import usage_row
from app.inference.providers.anthropic_messages.decode import EventDecoder
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.collect import Collector
from app.inference.providers.errors import ProviderGarbled
from app.inference.providers.sse import SseReader
from app.inference.providers.types import (
    ChatResult,
    Finished,
    ReasoningDelta,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
    UsageReport,
)
from tests.inference.dialects.whole_answers import whole_streams
from tests.support.fakes.base import event

DIALECT = AnthropicMessages()
ASK = DIALECT.read(
    orjson.dumps(
        {
            "model": "auto",
            "max_tokens": 9,
            "stream": True,
            "messages": [{"role": "user", "content": "Hi"}],
        }
    )
)
EVENTS = TypeAdapter(RawMessageStreamEvent)
USAGE = Usage(20, 5, 3, 4, 2)
HELLO = [TextDelta("Hello"), UsageReport(USAGE), Finished("stop", "m", "r")]


def frames_of(events, relayed=b""):
    renderer = DIALECT.renderer(ASK, "model-1", relayed=relayed)
    return [frame for each in events if (frame := renderer.render(each))]


def documents(stream):
    return [orjson.loads(data) for data in SseReader().feed(stream)]


def message_of(stream):
    """The stream as the SDK reads it, strictly: blocks opened and closed once, in order."""
    snapshot, buffers, opened, closed = None, {}, [], set()
    for document in documents(stream):
        read = EVENTS.validate_python(document)
        if read.type == "content_block_start":
            assert read.index == len(opened)
            opened.append(read.index)
        elif read.type in ("content_block_delta", "content_block_stop"):
            assert read.index in opened
            assert read.index not in closed
            closed |= {read.index} if read.type == "content_block_stop" else set()
        snapshot = accumulate_event(event=read, current_snapshot=snapshot, json_bufs=buffers)
    assert closed == set(opened)
    return snapshot


def result_of(events):
    collector = Collector("anthropic_messages")
    for each in events:
        collector.add(each)
    return collector.result()


def calls_of(result):
    return [(p.id, p.arguments) for p in result.parts if isinstance(p, ToolCallPart)]


def words_of(message):
    """What the message says, whichever blocks it says it in."""
    return {
        "text": "".join(b.text for b in message.content if b.type == "text"),
        "thinking": "".join(b.thinking for b in message.content if b.type == "thinking"),
        "calls": [(b.id, b.name, b.input) for b in message.content if b.type == "tool_use"],
        "citations": [
            c.to_dict() for b in message.content if b.type == "text" for c in b.citations or ()
        ],
        "stop": (message.stop_reason, message.stop_sequence),
        "usage": message.usage.to_dict(),
    }


@given(whole_streams)
def test_the_sdk_reads_a_stream_as_the_whole_message(events):
    stream = b"".join(frames_of(events))
    message = message_of(stream)
    whole = SdkMessage.model_validate_json(DIALECT.render(result_of(events), "model-1", ASK))
    assert words_of(message) == words_of(whole)


@given(whole_streams)
def test_our_own_codec_reads_a_stream_back(events):
    decoder, collected = EventDecoder(), Collector("anthropic_messages")
    for document in documents(b"".join(frames_of(events))):
        for each in decoder.feed(orjson.dumps(document)):
            collected.add(each)
    read, said = collected.result(), result_of(events)
    assert (read.text, read.usage) == (said.text, said.usage)
    assert calls_of(read) == calls_of(said)
    # The dialect has one word for two reasons.
    filtered = said.finish_reason == "content_filter"
    assert read.finish_reason == ("refusal" if filtered else said.finish_reason)


@given(whole_streams, whole_streams, st.data())
def test_a_message_that_broke_off_is_gone_on_with(first, second, data):
    frames = frames_of(first)
    kept = data.draw(st.integers(0, len(frames) - 1))
    relayed = b"".join(frames[:kept])
    message = message_of(relayed + b"".join(frames_of(second, relayed)))
    said = [each.text for each in second if isinstance(each, TextDelta)]
    assert words_of(message)["text"].endswith("".join(said))
    assert message.stop_reason


def test_words_after_a_break_stand_in_the_open_block():
    relayed = b"".join(frames_of([TextDelta("Hel")]))
    rest = frames_of([TextDelta("lo"), *HELLO[1:]], relayed)
    assert [document["type"] for document in documents(b"".join(rest))] == [
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert message_of(relayed + b"".join(rest)).content[0].text == "Hello"


def test_calls_whose_arguments_come_mixed_keep_them_apart():
    events = [
        ToolCallStart(0, "a", "f"),
        ToolCallDelta(0, '{"x":'),
        ToolCallStart(1, "b", "g"),
        ToolCallDelta(1, "{}"),
        ToolCallDelta(0, "1}"),
        ToolCallStart(2, "c", "h"),
        Finished("tool_calls", "m", "r"),
    ]
    message = message_of(b"".join(frames_of(events)))
    assert [(b.id, b.input) for b in message.content] == [("a", {"x": 1}), ("b", {}), ("c", {})]
    assert message.stop_reason == "tool_use"


def test_the_usage_counts_cached_input_beside_the_input():
    usage = message_of(b"".join(frames_of(HELLO))).usage
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (13, 3)
    assert (usage.cache_creation_input_tokens, usage.output_tokens) == (4, 5)
    assert usage.output_tokens_details.thinking_tokens == 2


@pytest.mark.parametrize(
    ("end", "reason", "sequence"),
    [
        (Finished("stop", "m", "r"), "end_turn", None),
        (Finished("stop", "m", "r", "END"), "stop_sequence", "END"),
        (Finished("length", "m", "r"), "max_tokens", None),
        (Finished("content_filter", "m", "r"), "refusal", None),
        (Finished("tool_calls", "m", "r"), "tool_use", None),
    ],
)
def test_why_it_stopped(end, reason, sequence):
    message = message_of(b"".join(frames_of([end])))
    assert (message.stop_reason, message.stop_sequence) == (reason, sequence)


def test_arguments_that_are_no_object_are_garbage_unless_the_limit_cut_them():
    cut = ChatResult((ToolCallPart("a", "f", '{"x'),), "tool_calls", Usage(), "m", "r")
    with pytest.raises(ProviderGarbled, match="tool call"):
        DIALECT.render(cut, "model-1", ASK)
    limited = ChatResult((TextPart("x"), *cut.parts), "length", Usage(), "m", "r")
    assert len(orjson.loads(DIALECT.render(limited, "model-1", ASK))["content"]) == 1


@given(whole_streams, st.data(), st.sampled_from([b"\n", b"\r\n"]))
def test_a_stream_cut_anywhere_leaves_as_it_came(events, data, newline):
    stream = b"".join(frames_of(events)).replace(b"\n", newline)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    frames = DIALECT.frames(ASK)
    places = [0, *sorted(cuts), len(stream)]
    passed = b"".join(frames.feed(stream[a:b]) for a, b in pairwise(places) if a < b)
    assert passed + frames.end() == stream
    assert frames.done
    assert frames.fault is None
    usage = next(each.usage for each in events if isinstance(each, UsageReport))
    assert frames.usage == usage


def test_a_message_that_has_only_been_opened_has_not_begun():
    stream = b"".join(frames_of([ReasoningDelta("Hm."), *HELLO]))
    head, _, rest = stream.partition(b"event: content_block_delta")
    frames = DIALECT.frames(ASK)
    assert frames.feed(head + event({"type": "ping"}, "ping")) != b""
    assert not frames.begun
    frames.feed(b"event: content_block_delta" + rest)
    assert frames.begun


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (event({"type": "error", "error": {"type": "overloaded_error"}}, "error"), InBandError),
        (b'event: message_delta\ndata: {"half": \n\n', BadAnswer),
        (b"data: [1]\n\n", BadAnswer),
    ],
)
def test_a_fault_ends_the_stream_and_does_not_leave(frame, fault):
    begin, frames = b"".join(frames_of(HELLO[:1])), DIALECT.frames(ASK)
    assert frames.feed(begin + frame + b"event: ping\ndata: {}\n\n") == begin
    assert isinstance(frames.fault, fault)
    assert frames.feed(begin) == b""
    assert not frames.done


def test_a_stream_without_its_end_is_not_done():
    frames = DIALECT.frames(ASK)
    frames.feed(b"".join(frames_of(HELLO[:2])))
    assert frames.end() == b""
    assert not frames.done
    closing = b'event: message_stop\ndata: {"type":"message_stop"}'
    assert frames.feed(closing) == b""
    assert frames.end() == closing + b"\n\n"
    assert frames.done


def test_cache_writes_for_an_hour_are_told_apart():
    written = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
    told = {"input_tokens": 1, "cache_creation_input_tokens": 7, "cache_creation": written}
    usage = DIALECT.usage_of({"usage": told})
    assert (usage.cache_write_tokens, usage.hour_write_tokens) == (7, 4)
    assert usage_row(usage)["cache_creation"] == written
