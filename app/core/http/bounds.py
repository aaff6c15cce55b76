"""Bounds on how large a request's head may be, and how slowly its body may come."""

from itertools import chain
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

from app.core.errors import AppError, HeadTooLarge, UriTooLong
from app.core.http.context import STATUS
from app.core.waiting import deadline, running_loop

MAX_TARGET_BYTES: Final = 16 * 1024  # of path and query
MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 32 * 1024  # of all names and values
# What a body must keep up beyond its first seconds; a slow telephone line uploads faster.
BODY_BYTES_A_SECOND: Final = 64 * 1024

WHOLE: Final = "luminous.whole"  # where our server says that all of a body is there
CUT: Final = "luminous.cut"  # where a body was not waited for to its end


def too_large(scope: Scope) -> AppError | None:
    """The refusal of a head, a 414 or a 431, before anything reads it."""
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return UriTooLong(f"Path and query are longer than {MAX_TARGET_BYTES} bytes.")
    headers = scope["headers"]
    size = sum(map(len, chain.from_iterable(headers)))
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        return HeadTooLarge(
            f"Send at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together."
        )
    return None


class TimedBody:
    """Raises a 408 where a body is read that does not come within its time.

    It has `seconds`, and a second more for each BODY_BYTES_A_SECOND that have come: a body that
    trickles in is cut, and a large one on an honest line is not. The connection is closed then.
    """

    __slots__ = ("_began", "_complete", "_loop", "_read", "_receive", "_scope", "_seconds")

    def __init__(self, scope: Scope, seconds: float, receive: Receive) -> None:
        self._scope = scope
        self._seconds = seconds
        self._receive = receive
        self._loop = running_loop()
        self._began = self._loop.time()
        self._read = 0
        self._complete = False

    async def receive(self) -> Message:
        if self._complete or WHOLE in self._scope or STATUS in self._scope:
            return await self._receive()
        due = self._began + self._seconds + self._read / BODY_BYTES_A_SECOND
        try:
            with deadline(due - self._loop.time()):
                message = await self._receive()
        except TimeoutError:
            self._scope[CUT] = True
            # FastAPI lets no other exception through from where it reads a body.
            raise HTTPException(408) from None
        self._read += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        return message
