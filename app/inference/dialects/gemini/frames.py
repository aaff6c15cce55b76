"""Chunks of generateContent passed through by whole frames, looked into where it is needed."""

from typing import Any, Final

import orjson

from app.inference.dialects.framing import FrameCutter, FrameTooLarge, payload
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.gemini.decode import read_usage
from app.inference.providers.types import Usage

UNFINISHED: Final = "FINISH_REASON_UNSPECIFIED"


class ChunkFrames:
    """Takes what arrives, gives what may leave.

    The dialect has no closing frame but the end of the body, so that a frame which says why the
    answer stopped is held until something follows it: that, or the end, which is then `done`.
    A frame that is no JSON, or tells of an error, ends the stream: it is `fault`, and stays here.
    """

    __slots__ = ("_cutter", "_last", "_usage", "begun", "count", "done", "fault")
    background = None

    def __init__(self) -> None:
        self.done = False
        self.begun = False
        self.count = 0
        self.fault: BadAnswer | InBandError | None = None
        self._cutter = FrameCutter()
        self._last = b""
        self._usage: dict[str, Any] = {}

    def feed(self, chunk: bytes) -> bytes:
        if self.fault is not None:
            return b""
        try:
            block = self._cutter.feed(chunk)
        except FrameTooLarge:
            self.fault = BadAnswer("an event of the stream is too large.")
            return b""
        return self._inspect(block) if block else b""

    def end(self) -> bytes:
        """Give what was held for the end, which a frame without its blank line may be, too."""
        passed = self.feed(self._cutter.gap) if self._cutter.held.strip() else b""
        if self.fault is not None or not self._last:
            return passed
        self.done = True
        passed, self._last = passed + self._last, b""
        return passed

    @property
    def usage(self) -> Usage | None:
        return usage_of({"usageMetadata": self._usage}) if self._usage else None

    def _inspect(self, block: bytes) -> bytes:
        gap = self._cutter.gap
        passed: list[bytes] = []
        for frame in block.split(gap)[:-1]:
            self.count += 1
            stopped = self._read(frame)
            if self.fault is not None:
                break
            passed.append(self._last)
            self._last = frame + gap if stopped else b""
            if not stopped:
                passed += (frame, gap)
        return b"".join(passed)

    def _read(self, frame: bytes) -> bool:
        """Look into one frame: mark the beginning, the usage or a fault; tell of a stop."""
        text = payload(frame)
        if text is None:
            return bool(self._last)
        try:
            chunk = orjson.loads(text)
        except ValueError:
            chunk = None
        if not isinstance(chunk, dict):
            self.fault = BadAnswer("an event of the stream is not JSON.")
            return False
        if "error" in chunk:
            self.fault = InBandError(chunk)
            return False
        usage = chunk.get("usageMetadata")
        if isinstance(usage, dict):
            self._usage.update(usage)
        stopped = is_stopped(chunk)
        self.begun = self.begun or stopped or has_parts(chunk)
        return stopped


def is_stopped(chunk: dict[str, Any]) -> bool:
    """Tell a chunk that says why the answer stopped, or why there is none."""
    feedback = chunk.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        return True
    reasons = [row.get("finishReason") for row in candidates_of(chunk)]
    return bool(reasons) and all(reason not in (None, "", UNFINISHED) for reason in reasons)


def has_parts(chunk: dict[str, Any]) -> bool:
    contents = (row.get("content") for row in candidates_of(chunk))
    return any(isinstance(content, dict) and content.get("parts") for content in contents)


def candidates_of(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    found = chunk.get("candidates")
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def usage_of(document: dict[str, Any]) -> Usage | None:
    """The usage of a whole response, where it tells one that can be read."""
    usage = document.get("usageMetadata")
    return read_usage(usage) if isinstance(usage, dict) else None
