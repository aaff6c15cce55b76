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
    RequestTimedOut,
    Unauthenticated,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)
from app.core.log import get_logger, shown_path
from app.core.schema import sentence
from app.core.versions import PreconditionFailed

log = get_logger(__name__)

PROBLEM = {"$ref": "#/components/schemas/Problem"}


class StoreUnavailable(Unavailable):
    code = "store_unavailable"
    title = "A store of this service does not answer"


class MalformedJson(BadRequest):
    code = "malformed_json"
    title = "The body is not valid JSON"


_BY_STATUS: dict[int, type[AppError]] = {
    400: BadRequest,
    404: NotFound,
    408: RequestTimedOut,
    413: PayloadTooLarge,
}


def problems(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that can answer with these errors (422 is always there)."""
    found: dict[int | str, dict[str, Any]] = {}
    documented: tuple[type[AppError], ...] = (*errors, Unprocessable)
    for error in documented:
        # By reference: of a `model`, FastAPI would build a validator for each route and status.
        content = {"application/problem+json": {"schema": PROBLEM}}
        entry = found.setdefault(error.status, {"description": "", "content": content})
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
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = error.allow
    if isinstance(error, PreconditionFailed) and error.etag:
        headers["ETag"] = error.etag
    return Response(
        orjson.dumps(error.problem(instance=shown_path(path), request_id=request_id)),
        status_code=error.status,
        headers=headers,
        media_type="application/problem+json",
    )


_STORE_ERRORS = (OperationalError, InterfaceError, ConnectionError, TimeoutError, RedisError)


# SQLSTATE's classes for a connection that is lost, resources used up, and a server that restarts;
# and its state for one that takes no writes, as after a failover or where its disk is nearly full.
_PASSING = ("08", "25006", "53", "57")
# Of two transactions that wait for each other, Postgres ends one.
_IN_THE_WAY = ("40001", "40P01")


def _lost_connection(error: Exception) -> bool:
    """Whether Postgres is away; asyncpg's errors tell it by their state and not by their type."""
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or _state_of(error).startswith(_PASSING)


def _waited_for(error: Exception) -> str | None:
    """What a transaction waited for in vain while Postgres is there."""
    if isinstance(error, PoolTimeout):
        return "All database connections are busy"
    if isinstance(error, DBAPIError) and _state_of(error) in _IN_THE_WAY:
        return "Another request changes the same things"
    return None


def _state_of(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None))


def translate(error: Exception) -> AppError:
    """Any exception as the AppError that a client may see."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        return _told_by_framework(error)
    if waited_for := _waited_for(error):
        return Unavailable(f"{waited_for}; try again.", retry_after=1)
    if isinstance(error, _STORE_ERRORS) or _lost_connection(error):
        return StoreUnavailable("Try again in a few seconds.", retry_after=2)
    return InternalError("The request id finds the cause in the server's log.")


def _told_by_framework(error: HTTPException) -> AppError:
    if error.status_code == MethodNotAllowed.status:
        return MethodNotAllowed(allow=(error.headers or {}).get("Allow", "").split(", "))
    known = _BY_STATUS.get(error.status_code, BadRequest)
    return known(error.detail if known is BadRequest else "")


def _invalid(error: RequestValidationError) -> AppError:
    errors: Sequence[Any] = error.errors()
    if isinstance(error.body, bytes):  # what FastAPI did not take for JSON
        wrong = FieldError("/header/content-type", UnsupportedMediaType.code, "not JSON")
        return UnsupportedMediaType("Set `Content-Type: application/json`.", errors=(wrong,))
    if errors and errors[0]["type"] == "json_invalid":
        return malformed_json(str(errors[0]["ctx"]["error"]))
    told = (
        FieldError(pointer_of(_place(e, error.body)), _field_code(e["type"]), sentence(e["msg"]))
        for e in errors[:50]
    )
    # A body that a dependency reads too is found unfit twice.
    fields = tuple(dict.fromkeys(told))
    return Unprocessable("; ".join(f"{f.pointer}: {f.detail}" for f in fields[:3]), errors=fields)


def malformed_json(reason: str, *place: str | int) -> MalformedJson:
    """The refusal of a body that is not read; `place` is where in it the reason stands."""
    field = FieldError(pointer_of(("body", *place)), MalformedJson.code, reason)
    return MalformedJson(f"The body is not JSON that can be read: {reason}.", errors=(field,))


def pointer_of(location: Sequence[str | int]) -> str:
    """`('body', 'messages', 0)` as `/body/messages/0`."""
    return "/" + "/".join(str(p).replace("~", "~0").replace("/", "~1") for p in location)


def _place(error: Any, body: Any) -> Sequence[str | int]:
    """Where a mistake is in what was sent: Pydantic names the union's branches on its way too."""
    location: tuple[str | int, ...] = error["loc"]
    if location[:1] != ("body",):
        return location
    return ("body", *_steps(location[1:], body, absent=error["type"] == "missing")[1])


def _steps(
    location: Sequence[str | int], node: Any, *, absent: bool
) -> tuple[bool, tuple[str | int, ...]]:
    """The steps that exist in the body, and whether the last one is among them."""
    if not location:
        return True, ()
    step, rest = location[0], location[1:]
    if absent and not rest and isinstance(node, dict):
        return True, (step,)
    taken: tuple[bool, tuple[str | int, ...]] = (False, ())
    if _has(node, step):
        found, further = _steps(rest, node[step], absent=absent)
        taken = (found, (step, *further))
    if taken[0] or not rest:
        return taken
    passed = _steps(rest, node, absent=absent)
    return max(passed, taken, key=lambda way: (way[0], len(way[1])))


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)


def _field_code(kind: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", kind.lower())


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
