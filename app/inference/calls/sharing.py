"""One answer for several clients: recorded as it leaves, and played to each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from app.inference.calls.reply import EVENTS, Answer, Headers


@dataclass(frozen=True, slots=True)
class Sent:
    """Something that an answer was told to send; `headers` are all that were there by then."""

    way: Literal["json", "whole", "stream"]
    body: bytes
    headers: Headers
    status: int = 200
    more: bool = False
    kind: bytes = EVENTS
    own: tuple[tuple[bytes, bytes], ...] = ()

    async def to(self, reply: Answer, known: Headers) -> None:
        """Send it to another client, whose own headers go before."""
        if not reply.begun:
            named = {name for name, _ in known}
            reply.headers += [each for each in self.headers if each[0] not in named]
        if self.way == "json":
            await reply.json(self.body)
        elif self.way == "whole":
            await reply.whole(self.status, list(self.own), self.body)
        else:
            await reply.stream(self.body, more=self.more, kind=self.kind)


class Recorder:
    """An Answer that goes to nobody: `put` takes what it is told to send."""

    def __init__(self, put: Callable[[Sent], None]) -> None:
        self.begun = False
        self.ended = False
        self.headers: Headers = []
        self.last = b""
        self._put = put

    async def json(self, body: bytes) -> None:
        self._send(Sent("json", body, list(self.headers)))

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        self._send(Sent("whole", body, list(self.headers), status, own=tuple(headers)))

    async def stream(self, block: bytes, *, more: bool = True, kind: bytes = EVENTS) -> None:
        if block and not block.startswith(b":"):
            self.last = block
        self._send(Sent("stream", block, list(self.headers), more=more, kind=kind))

    def _send(self, sent: Sent) -> None:
        self.begun = True
        self.ended = not sent.more
        self._put(sent)
