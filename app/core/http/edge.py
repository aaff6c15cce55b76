"""The edge: one ASGI layer that all requests pass on their way in, and all answers on theirs out.

What it does would be eight middlewares, each of which would cost every request a coroutine, and
every piece of an answer another one.
"""

import logging
import time
from collections.abc import Awaitable, Mapping
from typing import Any, Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import BadRequest
from app.core.http.bounds import CUT, WHOLE, TimedBody, too_large
from app.core.http.context import HEADERS, STATUS, answer_stray, name_request
from app.core.http.headers import Defaults
from app.core.http.measure import measure
from app.core.http.proxies import TrustedProxies
from app.core.log import get_logger, shown_path

NUL: Final = b"%00"

log = get_logger(__name__)
# Asked before a line is made, which costs more than all else here.
_stdlib_log = logging.getLogger(__name__)


class Edge:
    """Names, bounds, logs and measures each request, and completes the head of each answer.

    `proxies` say who the client is, `cross_origin` are Starlette's rules of which web pages may
    read an answer, and `defaults` the headers of every answer that has none of their name. A body
    has `body_seconds`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        proxies: TrustedProxies,
        cross_origin: Mapping[str, Any],
        defaults: Defaults,
        body_seconds: float,
    ) -> None:
        self._app = app
        self._proxies = proxies
        self._cross_origin = CORSMiddleware(self._within, **cross_origin)
        self._defaults = defaults
        self._body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._proxies.correct(scope)
        began = time.perf_counter()
        told = dict(scope["headers"])
        name_request(scope, told)

        def outward(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                self._complete(scope, message)
            return send(message)

        try:
            if b"origin" in told:
                await self._cross_origin(scope, receive, outward)
            else:
                # Who sends no Origin is no web page, and has nothing to learn of such rules.
                await self._entered(scope, receive, outward)
        except Exception as error:  # noqa: BLE001 - it is logged there
            await answer_stray(error, scope, receive, outward)
        finally:
            seconds = time.perf_counter() - began
            status = scope.get(STATUS, 0)
            measure(scope, status, seconds)
            if _stdlib_log.isEnabledFor(logging.INFO):
                log.info(
                    "request",
                    method=scope["method"],
                    path=shown_path(scope["path"]),
                    status=status,
                    ms=round(seconds * 1000, 1),
                )

    async def _within(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What a web page of another origin may read, refusals included."""
        try:
            await self._entered(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - it is logged there
            await answer_stray(error, scope, receive, send)

    def _entered(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """The application's answer; raises the refusal of a head that it is not to see."""
        raw_path, query = scope.get("raw_path", b""), scope["query_string"]
        # Found sooner than by `in`, which tries first whether it is given a number.
        if raw_path.find(NUL) >= 0 or (query and query.find(NUL) >= 0):
            raise BadRequest("The address must not contain the NUL character.")
        if (refusal := too_large(scope)) is not None:
            raise refusal
        if WHOLE not in scope:
            receive = TimedBody(scope, self._body_seconds, receive).receive
        return self._app(scope, receive, send)

    def _complete(self, scope: Scope, start: Message) -> None:
        """Give the head of an answer the headers that are not its route's business."""
        scope[STATUS] = status = start["status"]
        headers = [*start.get("headers", ()), *scope.get(HEADERS, ())]
        told = dict(headers)
        if b"x-request-id" in told:
            headers = [field for field in headers if field[0] != b"x-request-id"]
        headers.append((b"x-request-id", scope["request_id"].encode()))
        if CUT in scope:
            headers.append((b"connection", b"close"))
        self._defaults.complete(headers, told, status)
        start["headers"] = headers
