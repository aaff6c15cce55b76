"""A stream ends in good order, whoever ends it."""

import asyncio
from contextlib import suppress

import pytest

from app.core.http import event_stream
from app.core.http.event_stream import EventStream, SlowReader


class Wire:
    """The server's side of one response."""

    def __init__(self, *, stuck_after=None):
        self.sent = []
        self.gone = asyncio.Event()
        self.stuck_after = stuck_after

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.stuck_after is not None and len(self.sent) > self.stuck_after:
            await asyncio.Event().wait()
        self.sent.append(message)

    @property
    def blocks(self):
        return [m["body"] for m in self.sent if m["type"] == "http.response.body"]


class Frames:
    """Frames that tell whether they were closed."""

    def __init__(self, count=None, error=None):
        self.count = count
        self.error = error
        self.given = 0
        self.closed = False

    async def __call__(self):
        try:
            while self.count is None or self.given < self.count:
                self.given += 1
                yield b"%d\n\n" % self.given
                await asyncio.sleep(0)
            if self.error:
                raise self.error
        finally:
            self.closed = True


async def run(frames, wire, slow=5.0):
    async with asyncio.timeout(5):
        await EventStream(frames(), slow_reader_seconds=slow)({}, wire.receive, wire.send)


async def test_a_stream_sends_every_block_and_then_ends():
    frames, wire = Frames(3), Wire()
    await run(frames, wire)
    assert wire.blocks == [b"1\n\n", b"2\n\n", b"3\n\n", b""]
    assert [m.get("more_body", False) for m in wire.sent[1:]] == [True, True, True, False]
    assert frames.closed


async def test_its_headers_keep_proxies_from_holding_it_back():
    wire = Wire()
    stream = EventStream(Frames(1)(), slow_reader_seconds=5, headers={"X-Run-Id": "r"})
    await stream({}, wire.receive, wire.send)
    headers = dict(wire.sent[0]["headers"])
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"cache-control"] == b"no-cache"
    assert headers[b"x-accel-buffering"] == b"no"
    assert headers[b"x-run-id"] == b"r"
    assert b"content-length" not in headers


async def test_a_reader_who_leaves_ends_the_stream_and_closes_the_frames():
    frames, wire = Frames(), Wire()
    asyncio.get_running_loop().call_later(0.05, wire.gone.set)
    await run(frames, wire)
    assert frames.closed
    assert wire.blocks
    assert b"" not in wire.blocks


async def test_a_reader_who_takes_nothing_is_dropped_and_no_frame_is_drawn_ahead():
    frames, wire = Frames(), Wire(stuck_after=2)
    with pytest.raises(SlowReader):
        await run(frames, wire, slow=0.05)
    assert frames.closed
    assert frames.given == len(wire.blocks) + 1


async def test_an_error_of_the_frames_is_raised_and_the_stream_has_no_good_end():
    frames, wire = Frames(2, ValueError("broken")), Wire()
    with pytest.raises(ValueError, match="broken"):
        await run(frames, wire)
    assert frames.closed
    assert b"" not in wire.blocks


async def test_a_cancelled_stream_closes_its_frames():
    frames, wire = Frames(), Wire()
    task = asyncio.create_task(run(frames, wire))
    await asyncio.sleep(0.05)
    assert wire.blocks
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert frames.closed


async def test_a_reader_who_is_let_in_no_more_is_shut_out(monkeypatch):
    monkeypatch.setattr(event_stream, "RECHECK_SECONDS", 0.02)
    answers = [True, False]

    async def let_in():
        return answers.pop(0)

    frames, wire = Frames(), Wire()
    stream = EventStream(frames(), slow_reader_seconds=5, let_in=let_in)
    async with asyncio.timeout(5):
        await stream({}, wire.receive, wire.send)
    assert (answers, frames.closed) == ([], True)
    assert wire.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert wire.blocks.count(b"") == 1


async def test_frames_that_miss_a_cancellation_are_stopped_all_the_same():
    """As a store's client does that takes one for a failure of its own."""

    async def frames():
        yield b"1\n\n"
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    wire = Wire()
    asyncio.get_running_loop().call_later(0.05, wire.gone.set)
    answering = asyncio.create_task(run(frames, wire))
    done, _ = await asyncio.wait({answering}, timeout=3)
    assert done
    assert wire.blocks == [b"1\n\n"]
