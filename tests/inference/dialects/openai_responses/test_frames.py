"""Frames of a response passed on unchanged, wherever the network cuts them."""

from dataclasses import replace
from itertools import pairwise

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.inference.dialects.openai_responses import OpenAIResponses
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.types import Finished, TextDelta, Usage, UsageReport
from tests.inference.dialects.answers import streams
from tests.support.fakes.base import event

DIALECT = OpenAIResponses()
ASK = DIALECT.read(orjson.dumps({"model": "auto", "input": "Hi", "stream": True}))
USAGE = Usage(7, 5, 3, 0, 2)
HELLO = [TextDelta("Hel"), TextDelta('"error" []'), UsageReport(USAGE), Finished("stop", "m", "r")]


def stream_of(events: list) -> bytes:
    renderer = DIALECT.renderer(ASK, "model-1")
    return b"".join(renderer.render(each) for each in events)


def passed(frames, stream: bytes, cuts: list[int]) -> bytes:
    places = [0, *sorted(cuts), len(stream)]
    out = b"".join(frames.feed(stream[a:b]) for a, b in pairwise(places) if a < b)
    return out + frames.end()


@given(streams(), st.data(), st.sampled_from([b"\n", b"\r\n"]))
def test_a_stream_cut_anywhere_leaves_as_it_came(events, data, newline):
    stream = stream_of(events).replace(b"\n", newline)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    frames = DIALECT.frames(ASK)
    assert passed(frames, stream, cuts) == stream
    assert frames.done
    assert frames.fault is None
    told = next(e.usage for e in events if isinstance(e, UsageReport))
    assert frames.usage == replace(told, service_tier="default")


@given(st.data())
def test_no_part_of_a_frame_leaves_before_the_rest(data):
    stream = stream_of(HELLO)
    at = data.draw(st.integers(0, len(stream) - 1))
    left = DIALECT.frames(ASK).feed(stream[:at])
    assert not left or left.endswith(b"\n\n")


def test_what_only_says_that_an_answer_will_come_is_kept_back():
    opening, _, rest = stream_of(HELLO).partition(b"event: response.output_item.added")
    frames = DIALECT.frames(ASK)
    assert frames.feed(opening) == b""
    assert not frames.begun
    assert frames.feed(b"event: response.output_item.added" + rest) == opening + (
        b"event: response.output_item.added" + rest
    )
    assert frames.begun


def test_a_closing_frame_without_its_blank_line_is_an_end():
    stream = stream_of(HELLO)
    frames = DIALECT.frames(ASK)
    assert passed(frames, stream.rstrip(b"\n"), []) == stream
    assert frames.done


def test_a_failure_does_not_leave_and_tells_what_the_provider_said():
    opening = stream_of(HELLO[:1])
    failed = {"code": "rate_limit_exceeded", "message": "Slow down."}
    fault = event({"type": "response.failed", "response": {"status": "failed", "error": failed}})
    frames = DIALECT.frames(ASK)
    assert frames.feed(opening + fault) == opening
    assert isinstance(frames.fault, InBandError)
    assert frames.fault.complaint.message == "Slow down."
    assert frames.fault.complaint.labels == ("rate_limit_exceeded",)
    assert not frames.done


def test_an_error_event_is_a_fault_before_anything_has_begun():
    frames = DIALECT.frames(ASK)
    said = {"type": "error", "code": "server_error", "message": "Oh no.", "sequence_number": 0}
    assert frames.feed(event(said, "error")) == b""
    assert frames.fault.complaint.message == "Oh no."
    assert not frames.begun


def test_what_is_no_event_is_a_fault():
    for garbage in (b'data: {"half": \n\n', b"data: [1]\n\n"):
        frames = DIALECT.frames(ASK)
        head = stream_of(HELLO[:1])
        assert frames.feed(head + garbage) == head
        assert isinstance(frames.fault, BadAnswer)


def test_an_endless_frame_is_a_fault():
    frames = DIALECT.frames(ASK)
    for _ in range(5):
        frames.feed(b"x" * 2**20)
    assert isinstance(frames.fault, BadAnswer)


def test_comments_pass():
    stream = b": hello\n\n" + stream_of(HELLO)
    frames = DIALECT.frames(ASK)
    assert passed(frames, stream, []) == stream
