"""Bursts of Chat Completions' frames: what looks like the others is passed without being read."""

import orjson
import pytest

from app.inference.dialects.openai_chat.frames import ChunkFrames
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.types import Usage

COUNTS = {"prompt_tokens": 3, "completion_tokens": 5}
DONE = b"data: [DONE]"


def frame(**fields) -> bytes:
    choices = [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]
    return b"data: " + orjson.dumps({"id": "c", "choices": choices} | fields)


USAGE = frame(choices=[], usage=COUNTS)
FAULT = frame(error={"message": "It broke."})
WORDS = [frame()] * 20


def burst(*frames: bytes, gap: bytes = b"\n\n") -> bytes:
    return b"".join(each + gap for each in frames)


@pytest.fixture(params=[b"\n\n", b"\r\n\r\n"], ids=["LF", "CRLF"])
def gap(request):
    return request.param


def test_a_burst_leaves_but_for_the_usage_that_we_have_asked_for(gap):
    frames = ChunkFrames(passes_usage=False)
    left = frames.feed(burst(*WORDS, USAGE, DONE, gap=gap))
    assert left == burst(*WORDS, DONE, gap=gap)
    assert frames.done
    assert frames.usage == Usage(3, 5)
    assert frames.count == len(WORDS) + 2


def test_usage_is_left_out_wherever_in_a_burst_it_stands(gap):
    frames = ChunkFrames(passes_usage=False)
    assert frames.feed(burst(*WORDS, USAGE, *WORDS, gap=gap)) == burst(*WORDS, *WORDS, gap=gap)
    assert frames.usage == Usage(3, 5)
    assert frames.count == 2 * len(WORDS) + 1


def test_usage_that_the_client_has_asked_for_leaves(gap):
    whole = burst(*WORDS, USAGE, DONE, gap=gap)
    frames = ChunkFrames(passes_usage=True)
    assert frames.feed(whole) == whole
    assert frames.usage == Usage(3, 5)


@pytest.mark.parametrize("after", [[], WORDS, [DONE]], ids=["last", "in between", "before the end"])
def test_an_error_in_a_burst_ends_it_and_does_not_leave(gap, after):
    frames = ChunkFrames(passes_usage=True)
    assert frames.feed(burst(*WORDS, FAULT, *after, gap=gap)) == burst(*WORDS, gap=gap)
    assert isinstance(frames.fault, InBandError)


def test_a_page_in_a_burst_ends_it_and_does_not_leave(gap):
    frames = ChunkFrames(passes_usage=True)
    page = b"<html>Bad gateway</html>"
    assert frames.feed(burst(*WORDS, page, *WORDS, gap=gap)) == burst(*WORDS, gap=gap)
    assert isinstance(frames.fault, BadAnswer)


def test_comments_between_frames_leave_with_them(gap):
    frames = ChunkFrames(passes_usage=True)
    whole = burst(b": ping", *WORDS, b": ping", *WORDS, gap=gap)
    assert frames.feed(whole) == whole
    assert frames.begun
    assert frames.count == 2 * len(WORDS) + 2


def test_a_word_that_is_spoken_of_is_no_error():
    frames = ChunkFrames(passes_usage=False)
    delta = {"delta": {"content": '"error" and "usage": []'}}
    whole = burst(frame(choices=[delta]), frame(choices=[delta]))
    assert frames.feed(whole) == whole
    assert frames.fault is None
