"""Bounds on how large a request's head may be, and how slowly its body may come."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import AppError, HeadTooLarge, UriTooLong
from app.core.http.problems import problem_response
from app.core.waiting import deadline, running_loop

MAX_TARGET_BYTES: Final = 16 * 1024  # of path and query
MAX_HEADERS: Final = 100
MAX_HEADER_BYTES: Final = 32 * 1024  # of all names and values
# What a body must keep up beyond its first seconds; a slow telephone line uploads faster.
BODY_BYTES_A_SECOND: Final = 64 * 1024


class HeadLimit:
    """Answers 414 and 431 before anything reads the request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = _too_large(scope) if scope["type"] == "http" else None
        if error is None:
            await self.app(scope, receive, send)
            return
        response = problem_response(error, path=scope["path"], request_id=scope.get("request_id"))
        await response(scope, receive, send)


def _too_large(scope: Scope) -> AppError | None:
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return UriTooLong(f"Path and query are longer than {MAX_TARGET_BYTES} bytes.")
    headers = scope["headers"]
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        return HeadTooLarge(
            f"Send at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together."
        )
    return None


class BodyTime:
    """Raises a 408 where a body is read that does not come within its time.

    It has `seconds`, and a second more for each BODY_BYTES_A_SECOND that have come: a body that
    trickles in is cut, and a large one on an honest line is not. The connection is closed then.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        timed = _Timed(self.seconds, receive, send)
        await self.app(scope, timed.receive, timed.send)


class _Timed:
    """The time of one request's body."""

    def __init__(self, seconds: float, receive: Receive, send: Send) -> None:
        self._seconds = seconds
        self._receive = receive
        self._send = send
        self._loop = running_loop()
        self._began = self._loop.time()
        self._read = 0
        self._complete = self._answered = self._cut = False

    async def receive(self) -> Message:
        if self._complete or self._answered:
            return await self._receive()
        due = self._began + self._seconds + self._read / BODY_BYTES_A_SECOND
        try:
            with deadline(due - self._loop.time()):
                message = await self._receive()
        except TimeoutError:
            self._cut = True
            # FastAPI lets no other exception through from where it reads a body.
            raise HTTPException(408) from None
        self._read += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._answered = True
            if self._cut:
                message["headers"] = [*message["headers"], (b"connection", b"close")]
        await self._send(message)
