"""Plain ASGI middleware: request id, log context, and a net for stray errors."""

import logging
import re
import time
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.causes import HEADER, count_behind, read
from app.core.errors import BadRequest
from app.core.http.headers import Headers, complete
from app.core.http.measure import measure
from app.core.http.problems import problem_response, translate
from app.core.ids import new_hex
from app.core.log import get_logger, shown_path

log = get_logger(__name__)
# Asked before a line is made, which costs more than all else here.
_stdlib_log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_HEADERS: Final = "luminous.headers"
_RUNS_BEHIND: Final = HEADER.lower().encode()


def add_headers(scope: Scope, headers: Headers) -> None:
    """Have the answer to this request carry these headers, whatever the answer will be."""
    scope.setdefault(_HEADERS, []).extend(headers)


class RequestContext:
    """Names each request, logs and measures it.

    `defaults` are the headers of every answer that has none of their name.
    """

    def __init__(self, app: ASGIApp, defaults: Headers) -> None:
        self.app = app
        self.defaults = defaults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["request_id"] = request_id = _request_id(scope)
        count_behind(_runs_behind(scope))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began, status = time.perf_counter(), 0

        async def named_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._complete(scope, message)
            await send(message)

        try:
            await self.app(scope, receive, named_send)
        finally:
            seconds = time.perf_counter() - began
            measure(scope, status, seconds)
            if _stdlib_log.isEnabledFor(logging.INFO):
                log.info(
                    "request",
                    method=scope["method"],
                    path=shown_path(scope["path"]),
                    status=status,
                    ms=round(seconds * 1000, 1),
                )

    def _complete(self, scope: Scope, start: Message) -> None:
        """Give the head of an answer the headers that are not its route's business."""
        headers = [field for field in start.get("headers", ()) if field[0] != b"x-request-id"]
        headers.append((b"x-request-id", scope["request_id"].encode()))
        headers += scope.get(_HEADERS, ())
        complete(headers, start["status"], self.defaults)
        start["headers"] = headers


class StrayErrors:
    """Turns an exception that nobody took into a problem, and refuses a NUL in the address.

    It stands within the CORS middleware, so that browsers let their pages read the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answered = False

        async def noticed(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            if b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
                raise BadRequest("The address must not contain the NUL character.")
            await self.app(scope, receive, noticed)
        except Exception as error:
            shown = translate(error)
            if shown.status >= 500:
                log.exception("request_failed", code=shown.code)
            if not answered:
                response = problem_response(
                    shown, path=scope["path"], request_id=scope.get("request_id")
                )
                await response(scope, receive, send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value.decode())
    return f"req_{new_hex()}"


def _runs_behind(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == _RUNS_BEHIND:
            return read(value)
    return 0
