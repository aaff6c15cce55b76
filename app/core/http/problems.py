"""Every error as application/problem+json, and the responses that a route documents."""

import math
import re
from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from app.core.errors import (
    AppError,
    BadRequest,
    FieldError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from app.core.log import get_logger
from app.core.schema import Problem

log = get_logger(__name__)


class StoreUnavailable(Unavailable):
    code = "store_unavailable"
    title = "A store of this service does not answer"


_BY_STATUS: dict[int, type[AppError]] = {
    400: BadRequest,
    404: NotFound,
    405: MethodNotAllowed,
    413: PayloadTooLarge,
}


def problems(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that can answer with these errors (422 is always there)."""
    found: dict[int | str, dict[str, Any]] = {}
    documented: tuple[type[AppError], ...] = (*errors, Unprocessable)
    for error in documented:
        entry = found.setdefault(error.status, {"description": "", "model": Problem})
        entry["description"] = "; ".join(
            filter(None, [entry["description"], f"{error.title} (`{error.code}`)"])
        )
    return found


def problem_response(error: AppError, *, path: str, request_id: str | None) -> Response:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        orjson.dumps(error.problem(instance=path, request_id=request_id)),
        status_code=error.status,
        headers=headers,
        media_type="application/problem+json",
    )


_STORE_ERRORS = (OperationalError, InterfaceError, ConnectionError, TimeoutError, RedisError)


def _lost_connection(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated


def translate(error: Exception) -> AppError:
    """Any exception as the AppError that a client may see."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error.errors())
    if isinstance(error, HTTPException):
        known = _BY_STATUS.get(error.status_code, BadRequest)
        return known(error.detail if known is BadRequest else "")
    if isinstance(error, PoolTimeout):
        return Unavailable("All database connections are busy; try again.", retry_after=1)
    if isinstance(error, _STORE_ERRORS) or _lost_connection(error):
        return StoreUnavailable("Try again in a few seconds.", retry_after=2)
    return InternalError("The request id finds the cause in the server's log.")


def _invalid(errors: Sequence[Any]) -> Unprocessable | BadRequest:
    fields = tuple(
        FieldError(pointer_of(e["loc"]), _field_code(e["type"]), _sentence(e)) for e in errors[:50]
    )
    if errors and errors[0]["type"] == "json_invalid":
        return MalformedJson("The body is not JSON that can be read.", errors=fields)
    return Unprocessable("; ".join(f"{f.pointer}: {f.detail}" for f in fields[:3]), errors=fields)


class MalformedJson(BadRequest):
    code = "malformed_json"
    title = "The body is not valid JSON"


def pointer_of(location: Sequence[str | int]) -> str:
    """`('body', 'messages', 0)` as `/body/messages/0`."""
    return "/" + "/".join(str(p).replace("~", "~0").replace("/", "~1") for p in location)


def _field_code(kind: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", kind.lower())


def _sentence(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    reason = (error.get("ctx") or {}).get("error")
    return f"{message}: {reason}" if error["type"] == "json_invalid" and reason else message


async def _answer(request: Request, error: Exception) -> Response:
    shown = translate(error)
    if shown.status >= 500 and not isinstance(error, AppError):
        log.error("request_failed", code=shown.code, exc_info=error)
    return problem_response(
        shown, path=request.url.path, request_id=request.scope.get("request_id")
    )


def install_handlers(app: FastAPI) -> None:
    for kind in (
        AppError, RequestValidationError, HTTPException, OperationalError, InterfaceError,
        DBAPIError, PoolTimeout, RedisError, ConnectionError, TimeoutError,
    ):  # fmt: skip
        app.add_exception_handler(kind, _answer)
