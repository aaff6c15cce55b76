"""Streams of Gemini, as their address asks for them: events, or the elements of one array."""

from typing import Final
from urllib.parse import parse_qs

from app.inference.dialects.framing import payloads
from app.inference.relay.generating import Generating
from app.inference.relay.visit import Visit

EVENTS: Final = "sse"


class GeneratingStream(Generating):
    """Google streams an array of chunks unless events are asked for with `alt=sse`."""

    async def serve(self, visit: Visit) -> None:
        query = parse_qs(visit.scope.get("query_string", b"").decode("latin-1"))
        if query.get("alt", query.get("$alt")) != [EVENTS]:
            visit.reply.shape = ArrayShape()
        await super().serve(visit)


class ArrayShape:
    """Each chunk is an element that leaves when it comes; an error is the last one."""

    kind: Final = b"application/json; charset=UTF-8"

    def __init__(self) -> None:
        self._before = b"["

    def whole(self, body: bytes) -> bytes:
        return b"[%b]" % body

    def refusal(self, body: bytes) -> bytes:
        return b"[%b]" % body

    def part(self, block: bytes, *, more: bool) -> bytes:
        """What keeps a stream open is white space, which may stand between elements."""
        pieces: list[bytes] = []
        for element in payloads(block):
            pieces += (self._before, element)
            self._before = b",\r\n"
        if not pieces and self._before == b"[":
            pieces, self._before = [b"["], b""
        return b"".join((*pieces, b"\r\n" if more else b"\r\n]"))
