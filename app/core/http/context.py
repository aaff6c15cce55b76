"""What a request carries with it: its id and log context, the headers of its answer, its status."""

import re
from contextvars import ContextVar
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.contextvars import STRUCTLOG_KEY_PREFIX, clear_contextvars

from app.core.causes import HEADER, count_behind, read
from app.core.http.headers import Headers
from app.core.http.problems import problem_response, translate
from app.core.ids import new_hex
from app.core.log import get_logger

log = get_logger(__name__)

HEADERS: Final = "luminous.headers"
TOLD: Final = "luminous.told"  # the headers of the request by name, of each the last
STATUS: Final = "luminous.status"  # of the answer, from its head on

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_RUNS_BEHIND: Final = HEADER.lower().encode()
# What `bind_contextvars(request_id=…)` binds, at a tenth of its time: structlog goes by the name.
_bound: Final[ContextVar[Any]] = ContextVar(f"{STRUCTLOG_KEY_PREFIX}request_id", default=None)


def add_headers(scope: Scope, headers: Headers) -> None:
    """Have the answer to this request carry these headers, whatever the answer will be."""
    scope.setdefault(HEADERS, []).extend(headers)


def name_request(scope: Scope, told: dict[bytes, bytes]) -> None:
    """Give the request its id, which its log lines have too, and what led to it.

    `told` are the request's headers by name.
    """
    chosen = _request_id(scope) if b"x-request-id" in told else ""
    scope[TOLD] = told
    scope["request_id"] = request_id = chosen or f"req_{new_hex()}"
    count_behind(_runs_behind(scope) if _RUNS_BEHIND in told else 0)
    if _bound.get() is not None:
        # A request that came ahead begins in the context of the one before it.
        clear_contextvars()
    _bound.set(request_id)


class StrayErrors:
    """Turns an exception that nobody took into a problem.

    It stands within FastAPI's own net, which answers in plain text; `Edge` does the same outside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - it is logged there
            await answer_stray(error, scope, receive, send)


async def answer_stray(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Log an exception that nobody took, and answer with it where no answer has begun."""
    shown = translate(error)
    if shown.status >= 500:
        log.error("request_failed", code=shown.code, exc_info=error)
    if STATUS not in scope:
        response = problem_response(shown, path=scope["path"], request_id=scope.get("request_id"))
        await response(scope, receive, send)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value.decode())
    return ""


def _runs_behind(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == _RUNS_BEHIND:
            return read(value)
    return 0
