"""The body of a request, read whole within a bound."""

from starlette.types import Receive, Scope

from app.core.errors import PayloadTooLarge
from app.core.http.bounds import WHOLE


class ClientGone(Exception):
    """The client hung up before its request was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body; raises PayloadTooLarge and ClientGone."""
    for name, value in scope["headers"] if WHOLE not in scope else ():
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise too_large(limit)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        if not message.get("more_body"):
            return b"".join((*pieces, piece)) if pieces else piece
        pieces.append(piece)


def too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body is larger than {limit} bytes.")
