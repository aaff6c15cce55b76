"""Server-sent events passed through by whole frames, looked into only where it is needed."""

from typing import Any, Final

import orjson

from app.inference.dialects.framing import LONG_FRAME, LongFrame, payload
from app.inference.providers.codec import BadAnswer, InBandError
from app.inference.providers.openai_chat.decode import read_usage
from app.inference.providers.types import Usage

DONE: Final = b"[DONE]"
TAIL_BYTES = 8192
MAX_FRAME_BYTES = 4 * 1024 * 1024
# How servers write frames: a JSON object on one line each.
OPENED: Final = b"data: {"


class ChunkFrames:
    """Takes what arrives, gives what may leave.

    A frame leaves when it is complete, so that an error of ours never stands inside one. Bytes are
    not changed; left out is only the usage chunk that we, not the client, have asked for. A frame
    that is no JSON, or tells of an error, ends the stream: it is `fault`, and does not leave.
    """

    __slots__ = (
        "_gap", "_held", "_long", "_passes_usage", "_sealed", "_tail", "_usage",
        "begun", "count", "done", "fault",
    )  # fmt: skip
    background = None

    def __init__(self, *, passes_usage: bool) -> None:
        self.done = False
        self.begun = False
        self.count = 0
        self.fault: BadAnswer | InBandError | None = None
        self._passes_usage = passes_usage
        self._held = b""
        self._long: LongFrame | None = None
        self._tail = b""
        self._usage: Usage | None = None
        self._gap = b"\n\n"
        self._sealed = b"}\n\n"

    def feed(self, chunk: bytes) -> bytes:
        if self._long is not None:
            is_known = self.count or self._gap != b"\n\n"
            if self._long.goes_on(chunk, *((self._gap,) if is_known else (self._gap, b"\r\n"))):
                self._check_size(len(self._long))
                return b""
            chunk = bytes(self._long)
            self._held, self._long = b"", None
        arrived = self._held + chunk if self._held else chunk
        # A single byte is found many times faster than two, and most streams have none of it.
        if not self.count and b"\r" in arrived and b"\r\n" in arrived:
            self._gap, self._sealed = b"\r\n\r\n", b"}\r\n\r\n"
        end = arrived.rfind(self._gap) + len(self._gap)
        if end < len(self._gap):
            self._hold(arrived)
            return b""
        block, held = (arrived, b"") if end == len(arrived) else (arrived[:end], arrived[end:])
        self._hold(held)
        if not self._takes_plain(block):
            block = self._inspect(block)
        self._remember(block)
        return block

    def end(self) -> bytes:
        """Give a closing frame that came without its blank line."""
        held = self._held if self._long is None else b""
        return self.feed(self._gap) if payload(held) == DONE else b""

    @property
    def usage(self) -> Usage | None:
        """The usage the stream has told of, in a chunk of its own or with its last choice."""
        if self._usage is None:
            before, found, after = self._tail.rpartition(b'"usage"')
            if found:
                begun, ended = before.rpartition(self._gap)[2], after.partition(self._gap)[0]
                self._usage = usage_in(begun + found + ended)
        return self._usage

    def _hold(self, rest: bytes) -> None:
        self._held = rest
        if len(rest) > LONG_FRAME:
            self._check_size(len(rest))
            self._long = LongFrame(rest)

    def _check_size(self, size: int) -> None:
        if size > MAX_FRAME_BYTES:
            self.fault = BadAnswer("an event of the stream is too large.")

    def _remember(self, block: bytes) -> None:
        if len(block) >= TAIL_BYTES:
            self._tail = block
        else:
            self._tail = (self._tail + block)[-TAIL_BYTES:]

    def _takes_plain(self, block: bytes) -> bool:
        """Tell frames of JSON that is neither an error nor our usage chunk, without reading it.

        A search in a burst costs more than all else that is done with it, the less the longer what
        is looked for: where a frame ends and the next one begins is looked for as one.
        """
        if not (block.endswith(self._sealed) and block.startswith(OPENED)):
            return False
        frames = block.count(self._sealed + OPENED) + 1
        if block.count(b"\n") != 2 * frames or self._suspicious(block):
            return False
        self.begun = True
        self.count += frames
        return True

    def _suspicious(self, block: bytes) -> bool:
        find = block.find
        return find(b'"error"') >= 0 or (
            not self._passes_usage and find(b'"usage"') >= 0 and find(b"[]") >= 0
        )

    def _inspect(self, block: bytes) -> bytes:
        plain, rest = self._split(block)
        passed = [plain]
        frames = rest.split(self._gap)
        frames.pop()
        self.count += len(frames)
        for frame in frames:
            if frame.endswith(b"}") and not self._suspicious(frame):
                self.begun = True
            elif not self._passes(frame):
                continue
            if self.fault is not None:
                break
            passed += (frame, self._gap)
            if self.done:
                break
        return b"".join(passed)

    def _split(self, block: bytes) -> tuple[bytes, bytes]:
        """Part a block before its last two frames, the usual place of what is not plain."""
        at = len(block)
        for _ in range(3):
            at = block.rfind(self._gap, 0, at)
            if at < 0:
                return b"", block
        at += len(self._gap)
        plain = block[:at]
        return (plain, block[at:]) if self._takes_plain(plain) else (b"", block)

    def _passes(self, frame: bytes) -> bool:
        """Look into one frame: mark the end or a fault, and tell whether it is the client's."""
        text = payload(frame)
        if text is None:
            return True
        if text == DONE:
            self.done = self.begun = True
            return True
        try:
            document = orjson.loads(text)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            self.fault = BadAnswer("an event of the stream is not JSON.")
        elif document.get("error"):
            self.fault = InBandError(document)
        else:
            self.begun = True
            return self._passes_usage or not self._is_extra(document)
        return True

    def _is_extra(self, document: dict[str, Any]) -> bool:
        if document.get("choices") != [] or not isinstance(document.get("usage"), dict):
            return False
        self._usage = usage_of(document)
        return True


def usage_in(frame: bytes) -> Usage | None:
    text = payload(frame)
    try:
        document = orjson.loads(text or b"null")
    except ValueError:
        return None
    return usage_of(document) if isinstance(document, dict) else None


def usage_of(document: dict[str, Any]) -> Usage | None:
    """The usage of a completion or of a chunk, where it tells one that can be read."""
    usage = document.get("usage")
    if not isinstance(usage, dict):
        return None
    try:
        return read_usage(usage, document.get("service_tier"))
    except (AttributeError, TypeError, ValueError):
        return None
