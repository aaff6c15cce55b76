"""Frames of any length, in whatever pieces they arrive."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.dialects.framing import LONG_FRAME, MAX_FRAME_BYTES, FrameCutter, FrameTooLarge
from app.inference.dialects.openai_chat.frames import ChunkFrames

GAPS = st.sampled_from([b"\n\n", b"\r\n\r\n"])
LENGTHS = st.sampled_from([1, 20, LONG_FRAME - 20, LONG_FRAME + 1, 3 * LONG_FRAME])
SIZES = st.lists(LENGTHS, min_size=1, max_size=8)
CUTS = st.lists(st.sampled_from([1, 2, 3, 5, LONG_FRAME - 1, LONG_FRAME + 7, 100_000]), min_size=1)


def stream(sizes: list[int], gap: bytes) -> bytes:
    return b"".join(b'data: {"x":"%b"}%b' % (b"a" * size, gap) for size in sizes)


def pieces(whole: bytes, cuts: list[int]):
    """The cuts by turns; all that is left once there are many."""
    at = 0
    for turn in range(300):
        size = cuts[turn % len(cuts)]
        yield whole[at : at + size]
        at += size
    yield whole[at:]


@given(SIZES, CUTS, GAPS)
def test_whole_frames_come_out_however_they_are_cut(sizes, cuts, gap):
    whole = stream(sizes, gap)
    cutter, chunks = FrameCutter(), ChunkFrames(passes_usage=True)
    cut = [cutter.feed(piece) for piece in pieces(whole + b"data: half", cuts)]
    assert b"".join(cut) == whole
    assert cutter.held == b"data: half"
    assert all(not each or each.endswith(gap) for each in cut)
    passed = [chunks.feed(piece) for piece in pieces(whole + b"data: [DONE]", cuts) if piece]
    assert b"".join(passed) + chunks.end() == whole + b"data: [DONE]" + gap
    assert chunks.done
    assert chunks.count == len(sizes) + 1


def test_a_long_frame_in_small_pieces_costs_what_it_is_long():
    cutter, chunks = FrameCutter(), ChunkFrames(passes_usage=True)
    began = time.process_time()
    for feed in (cutter.feed, chunks.feed):
        feed(b'data: {"x":"' + b"a" * 2 * 1024 * 1024)
        for _ in range(20_000):
            assert feed(b"\ny") == b""
    # The square takes more than half a minute.
    assert time.process_time() - began < 5


def test_a_frame_without_an_end_is_given_up():
    cutter, chunks = FrameCutter(), ChunkFrames(passes_usage=True)
    for _ in range(MAX_FRAME_BYTES // 100_000):
        assert cutter.feed(b"x" * 100_000) == chunks.feed(b"x" * 100_000) == b""
    assert chunks.fault is None
    with pytest.raises(FrameTooLarge):
        cutter.feed(b"x" * 100_000)
    chunks.feed(b"x" * 100_000)
    assert chunks.fault is not None
