"""SCIM's envelope over HTTP: its media type, its errors, its guard and its unit of work."""

import json
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.security.utils import get_authorization_scheme_param
from pydantic import ValidationError
from scim2_models import Error, InvalidSyntaxException, SCIMException

from app.core.db import SYSTEM, AsyncSession
from app.core.errors import AppError, MethodNotAllowed
from app.core.http.guard import GuardedRoute, KernelDep
from app.core.http.problems import translate
from app.core.http.rails import RailsDep
from app.core.http.rate_limits import address_of, count, count_refused
from app.core.http.units import request_unit
from app.core.log import get_logger
from app.core.versions import PreconditionFailed, parse_etags
from app.identity.connections import crud as connections
from app.identity.scim import tokens
from app.identity.scim.edge import Refused
from app.identity.scim.errors import ScimTokenInvalid
from app.identity.scim.people import Directory
from app.identity.sso.browser import base_url

log = get_logger(__name__)

MEDIA_TYPE = "application/scim+json"


def answer(
    shown: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A SCIM document; its version is its ETag."""
    meta = shown.get("meta") or {}
    named = {"Location": meta.get("location"), "ETag": meta.get("version")}
    told = {name: value for name, value in named.items() if value}
    return Response(
        orjson.dumps(shown), status, headers=told | dict(headers or {}), media_type=MEDIA_TYPE
    )


class ScimRoute(GuardedRoute):
    """Tells every error in SCIM's envelope (RFC 7644, 3.12)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        original = super().get_route_handler()

        async def scim(request: Request) -> Response:
            try:
                return await original(request)
            except Exception as error:
                raise Refused(_refusal(error)) from error

        return scim


def _refusal(error: Exception) -> Response:
    if isinstance(error, SCIMException):
        told = error.to_error()
    elif isinstance(error, ValidationError):
        told = Error.from_validation_errors(error)[0]
    else:
        return _translated(error)
    return answer(told.model_dump(), int(told.status or 400))


def _translated(error: Exception) -> Response:
    shown = translate(error)
    if shown.status >= 500 and not isinstance(error, AppError):
        log.error("scim_failed", code=shown.code, exc_info=error)
    headers: dict[str, str] = {}
    if shown.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if shown.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(shown.retry_after)))
    if isinstance(shown, MethodNotAllowed):
        headers["Allow"] = shown.allow
    if isinstance(shown, PreconditionFailed) and shown.etag:
        headers["ETag"] = shown.etag
    bad = isinstance(error, RequestValidationError)
    status = 400 if bad else shown.status
    told = Error(status=status, detail=shown.detail)
    if bad or shown.code == "malformed_json":
        told.scim_type = "invalidSyntax"
    return answer(told.model_dump(), status, headers)


async def directory_of(request: Request, kernel: KernelDep) -> Directory:
    """The guard of SCIM's routes: the directory that a token stands for."""
    header = request.headers.get("authorization")
    scheme, bearer = get_authorization_scheme_param(header)
    if scheme.lower() != "bearer":
        raise ScimTokenInvalid("Send `Authorization: Bearer lum_scim_…`.")
    kernel.admission.check_attempts(address_of(request.scope))
    try:
        async with kernel.database.unit(SYSTEM) as session:
            token = await tokens.resolve(session, bearer)
            connection = await connections.find_living(session, token.connection_id)
    except AppError as error:
        await count_refused(request.scope, kernel, error)
        raise
    await count(request.scope, kernel)
    if connection is None:
        raise ScimTokenInvalid("Its connection is disabled or gone.")
    return Directory(kernel, connection, base_url(request, kernel.settings))


directory_of.__dict__["luminous_guard"] = "scim"

Caller = Annotated[Directory, Depends(directory_of)]


async def _unit(
    request: Request, kernel: KernelDep, rails: RailsDep, _: Caller
) -> AsyncIterator[AsyncSession]:
    """Accounts are looked up beyond the workspace; every query of SCIM's own names it."""
    if (header := request.headers.get("if-match")) is not None:
        rails.if_match = tuple(tag.removeprefix("W/") for tag in parse_etags(header))
    async with request_unit(kernel, rails, SYSTEM) as session:
        yield session


ScimSession = Annotated[AsyncSession, Depends(_unit, scope="function")]


async def _read_body(request: Request, _: Caller) -> dict[str, Any]:
    try:
        body = await request.json()
    except json.JSONDecodeError as error:
        raise InvalidSyntaxException(detail=f"The body cannot be read: {error.msg}.") from error
    if not isinstance(body, dict):
        raise InvalidSyntaxException(detail="The body is not a JSON object.")
    return body


Body = Annotated[dict[str, Any], Depends(_read_body)]
