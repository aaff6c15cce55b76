"""What a call needs of the client's side."""

from typing import Final, Protocol

EVENTS: Final = b"text/event-stream; charset=utf-8"
Headers = list[tuple[bytes, bytes]]


class Answer(Protocol):
    """One answer to one client, whole or streamed.

    `begun` is set with its head, `ended` with its last bytes; `headers` are added to the head.
    `last` are the events of a stream that were sent last, comments left out.
    """

    begun: bool
    ended: bool
    headers: Headers
    last: bytes

    async def json(self, body: bytes) -> None: ...

    async def whole(self, status: int, headers: Headers, body: bytes) -> None: ...

    async def stream(self, block: bytes, *, more: bool = True, kind: bytes = EVENTS) -> None:
        """Send the next bytes; they are whole server-sent events unless of another `kind`."""
        ...
