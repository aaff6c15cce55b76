"""Server-sent events cut into whole frames, whatever pieces they arrive in."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
# What a line of a frame may begin with.
FIELDS: Final = (b":", b"data", b"event", b"id", b"retry")
PING: Final = b": ping\n\n"
# A frame that is longer already is not read again with every piece of it that comes.
LONG_FRAME: Final = 64 * 1024


class FrameTooLarge(Exception):
    pass


class LongFrame(bytearray):
    """The beginning of a frame. In small pieces a large one would cost the square of its size."""

    def goes_on(self, piece: bytes, *ends: bytes) -> bool:
        """Add a piece; whether none of the `ends` has come with it."""
        start = max(0, len(self) - 3)
        self.extend(piece)
        return all(self.find(end, start) < 0 for end in ends)


class FrameCutter:
    """Gives what is complete and holds what is not; `gap` is the blank line between frames."""

    __slots__ = ("_held", "_long", "_seen", "gap")

    def __init__(self) -> None:
        self.gap = b"\n\n"
        self._held = b""
        self._long: LongFrame | None = None
        self._seen = False

    @property
    def held(self) -> bytes:
        return self._held if self._long is None else bytes(self._long)

    def feed(self, chunk: bytes) -> bytes:
        """The frames that are complete now, with their blank lines; raises FrameTooLarge."""
        if self._long is not None:
            ends = (self.gap,) if self._seen else (self.gap, b"\r\n\r\n")
            if self._long.goes_on(chunk, *ends):
                if len(self._long) > MAX_FRAME_BYTES:
                    raise FrameTooLarge
                return b""
            chunk = bytes(self._long)
            self._held, self._long = b"", None
        arrived = self._held + chunk if self._held else chunk
        if not self._seen and b"\r\n\r\n" in arrived:
            self.gap = b"\r\n\r\n"
        end = arrived.rfind(self.gap) + len(self.gap)
        if end < len(self.gap):
            end = 0
        self._seen = self._seen or end > 0
        self._held = arrived[end:]
        if len(self._held) > MAX_FRAME_BYTES:
            raise FrameTooLarge
        if len(self._held) > LONG_FRAME:
            self._long = LongFrame(self._held)
        return arrived if end == len(arrived) else arrived[:end]


def comment(name: str, said: Mapping[str, Any]) -> bytes:
    """A line that clients pass over: an event that a vendor does not know breaks its SDK."""
    return b": %b %b\n\n" % (name.encode(), orjson.dumps(said))


def payloads(frames: bytes) -> Iterator[bytes]:
    """The data of each of these whole frames."""
    for frame in frames.replace(b"\r\n", b"\n").split(b"\n\n"):
        if data := payload(frame):
            yield data


def payload(frame: bytes) -> bytes | None:
    """The data of a frame; None for a comment or another field alone.

    Where all that stands in it is no field of an event (a proxy's page), that is given instead: it
    is not JSON, and nothing that a client may see.
    """
    if frame.startswith(b"data: ") and b"\n" not in frame:
        return frame[6:].strip()
    lines = frame.splitlines()
    found = [line[5:].strip() for line in lines if line.startswith(b"data:")]
    found = found or [line for line in lines if line and not line.startswith(FIELDS)]
    return b"\n".join(found) if found else None
