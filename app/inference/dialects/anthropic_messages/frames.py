"""Events of Messages passed through by whole frames, looked into only where it is needed."""

from typing import Any, Final

import orjson

from app.inference.dialects.framing import FrameCutter, FrameTooLarge, payload
from app.inference.providers.anthropic_messages.decode import read_usage
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.types import Usage
from app.inference.usage.service import CHARACTERS_A_TOKEN

DELTA: Final = b"event: content_block_delta\n"
# About the bytes of a delta without a word.
EMPTY: Final = 116
# An opened message with an empty block is no token yet: another provider may still take over.
ANSWERING: Final = frozenset({"content_block_delta", "content_block_stop", "message_delta"})


class EventFrames:
    """Takes what arrives, gives what may leave.

    A frame leaves when it is complete, its bytes unchanged. One that is no JSON, or tells of an
    error, ends the stream: it is `fault`, and does not leave. `message_stop` closes it.
    """

    __slots__ = ("_cutter", "_seen", "_usage", "_words", "begun", "done", "fault")
    background = None

    def __init__(self) -> None:
        self.done = False
        self.begun = False
        self._seen = 0
        self._words = 0
        self.fault: BadAnswer | InBandError | None = None
        self._cutter = FrameCutter()
        self._usage: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> bytes:
        if self.done or self.fault is not None:
            return b""
        try:
            block = self._cutter.feed(chunk)
        except FrameTooLarge:
            self.fault = BadAnswer("an event of the stream is too large.")
            return b""
        if not block:
            return b""
        gap = self._cutter.gap
        frames = block.count(gap)
        if gap == b"\n\n" and block.count(DELTA) == frames == block.count(b"}\n\n"):
            self._seen += frames
            self._words += len(block) - frames * EMPTY
            self.begun = True
            return block
        return self._inspect(block, gap)

    def end(self) -> bytes:
        """Give a closing frame that came without its blank line."""
        if b"message_stop" not in self._cutter.held:
            return b""
        return self.feed(self._cutter.gap)

    @property
    def count(self) -> int:
        """About how many tokens have gone by: there are several in a frame."""
        return max(self._seen, self._words // CHARACTERS_A_TOKEN)

    @property
    def usage(self) -> Usage | None:
        return usage_of({"usage": self._usage}) if self._usage else None

    def _inspect(self, block: bytes, gap: bytes) -> bytes:
        passed: list[bytes] = []
        for frame in block.split(gap)[:-1]:
            self._seen += 1
            if frame.startswith(DELTA):
                self._words += len(frame) - EMPTY
            self._read(frame)
            if self.fault is not None:
                break
            passed += (frame, gap)
            if self.done:
                break
        return b"".join(passed)

    def _read(self, frame: bytes) -> None:
        """Look into one frame: mark the beginning, the usage, the end or a fault."""
        text = payload(frame)
        if text is None:
            return
        try:
            event = orjson.loads(text)
        except ValueError:
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            self.fault = BadAnswer("an event of the stream is not JSON.")
            return
        match event["type"]:
            case "error":
                self.fault = InBandError(event)
            case "message_start":
                self._remember(event.get("message"))
            case "message_delta":
                self._remember(event)
            case "message_stop":
                self.done = self.begun = True
        self.begun = self.begun or event["type"] in ANSWERING

    def _remember(self, holder: Any) -> None:
        usage = holder.get("usage") if isinstance(holder, dict) else None
        if isinstance(usage, dict):
            self._usage.update((name, found) for name, found in usage.items() if found is not None)


def usage_of(document: dict[str, Any]) -> Usage | None:
    """The usage of a whole message, where it tells one that can be read."""
    usage = document.get("usage")
    if not isinstance(usage, dict):
        return None
    try:
        return read_usage(usage)
    except (AttributeError, TypeError, ValueError):
        return None
