"""A stream ends in good order, whoever ends it."""

import asyncio

import pytest

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
