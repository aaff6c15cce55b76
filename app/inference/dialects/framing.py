"""Server-sent events cut into whole frames, whatever pieces they arrive in."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
# What a line of a frame may begin with.
FIELDS: Final = (b":", b"data", b"event", b"id", b"retry")
PING: Final = b": ping\n\n"


class FrameTooLarge(Exception):
    pass


class FrameCutter:
    """Gives what is complete and holds what is not; `gap` is the blank line between frames."""

    __slots__ = ("_held", "_seen", "gap")

    def __init__(self) -> None:
        self.gap = b"\n\n"
        self._held = b""
        self._seen = False

    @property
    def held(self) -> bytes:
        return self._held

    def feed(self, chunk: bytes) -> bytes:
        """The frames that are complete now, with their blank lines; raises FrameTooLarge."""
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
        return arrived if end == len(arrived) else arrived[:end]


def comment(name: str, said: Mapping[str, Any]) -> bytes:
    """A line that clients pass over: an event that a vendor does not know breaks its SDK."""
    return b": %b %b\n\n" % (name.encode(), orjson.dumps(said))


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
