"""The typed events of a response passed through by whole frames, read only where it is needed."""

from typing import Any, Final

import orjson

from app.inference.dialects.framing import FrameCutter, FrameTooLarge, payload
from app.inference.dialects.openai_responses.usage import usage_of
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.types import Usage

CLOSING: Final = frozenset({"response.completed", "response.incomplete"})
# What says that there will be an answer, and nothing of it.
OPENING: Final = frozenset({"response.created", "response.queued", "response.in_progress"})
CLOSED: Final = tuple(f'"{name}"'.encode() for name in (*CLOSING, "response.failed", "error"))
OPENED: Final = tuple(f'"{name}"'.encode() for name in OPENING)


class ResponseFrames:
    """Takes what arrives, gives what may leave.

    A frame leaves when it is complete, its bytes unchanged. Frames that tell of a failure, or are
    no events, end the stream: they are `fault`, and do not leave. What comes before the first
    piece of output is kept back, so that another may still answer unseen. A response in the
    background goes on when its stream is left.
    """

    __slots__ = ("_cutter", "_kept", "background", "begun", "count", "done", "fault", "usage")

    def __init__(self) -> None:
        self.background: dict[str, Any] | None = None
        self.done = False
        self.begun = False
        self.count = 0
        self.fault: BadAnswer | InBandError | None = None
        self.usage: Usage | None = None
        self._cutter = FrameCutter()
        self._kept: list[bytes] = []

    def feed(self, chunk: bytes) -> bytes:
        try:
            block = self._cutter.feed(chunk)
        except FrameTooLarge:
            self.fault = BadAnswer("an event of the stream is too large.")
            return b""
        if not block:
            return b""
        gap = self._cutter.gap
        frames = block.count(gap)
        self.count += frames
        if not (self.begun and frames == block.count(b"}" + gap) and plain(block)):
            block = self._inspect(block, gap)
        return self._release(block)

    def end(self) -> bytes:
        """Give a closing frame that came without its blank line."""
        if not any(mark in self._cutter.held for mark in CLOSED):
            return b""
        return self.feed(self._cutter.gap)

    def _release(self, block: bytes) -> bytes:
        if not self.begun:
            self._kept.append(block)
            return b""
        if self._kept:
            block, self._kept = b"".join((*self._kept, block)), []
        return block

    def _inspect(self, block: bytes, gap: bytes) -> bytes:
        passed: list[bytes] = []
        for frame in block.split(gap)[:-1]:
            if not (self.begun and frame.endswith(b"}") and plain(frame)):
                self._look_into(frame)
            if self.fault is not None:
                break
            passed += (frame, gap)
            if self.done:
                break
        return b"".join(passed)

    def _look_into(self, frame: bytes) -> None:
        """Mark the beginning, the end or a fault."""
        text = payload(frame)
        if text is None:
            return
        try:
            event = orjson.loads(text)
        except ValueError:
            event = None
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(event, dict) or not isinstance(kind, str):
            self.fault = BadAnswer("an event of the stream has no type.")
            return
        found = event.get("response")
        response: dict[str, Any] = found if isinstance(found, dict) else {}
        if kind == "error":
            self.fault = InBandError(event)
        elif kind in OPENING:
            self.background = response if response.get("background") is True else None
        elif kind == "response.failed":
            self.background = None
            self.fault = InBandError(response or event)
        elif kind in CLOSING:
            self.background = None
            self.done = self.begun = True
            self.usage = usage_of(response)
        else:
            self.begun = True


def plain(block: bytes) -> bool:
    """Tell events that say nothing of the answer's own course, without reading them."""
    return not any(mark in block for mark in CLOSED) and not any(m in block for m in OPENED)
