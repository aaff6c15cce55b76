"""The OpenAPI document: what FastAPI draws, corrected to what the service promises."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

from app.core.errors import (
    AppError,
    BadRequest,
    PayloadTooLarge,
    PermissionDenied,
    RequestTimedOut,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from app.core.http.problems import PROBLEM
from app.core.idempotency import RequestUnderWay
from app.core.json_bounds import with_bounds
from app.core.schema import Problem, build_models
from app.core.versions import PreconditionFailed

ETAG = {"description": "The version that is shown.", "schema": {"type": "string"}}

DESCRIPTION = """\
An AI orchestration backend: chat with any model of any provider over one API.

Send `Authorization: Bearer <access token or API key>`. Errors are RFC 9457 problem documents with a
stable `code`, explained at [/docs/errors](/docs/errors). Lists are keyset pages. Streams are
server-sent events that can be resumed with `Last-Event-ID`. OpenAI's own clients work with
`base_url=…/openai/v1`.
"""


def install_openapi(
    app: FastAPI,
    routes: Callable[[], list[BaseRoute]],
    extra_schemas: Callable[[], dict[str, Any]],
) -> None:
    """Let `/openapi.json` show our own errors and stream types; drawn once, at first use."""
    turn = threading.Lock()

    def draw() -> dict[str, Any]:
        with turn:
            if app.openapi_schema is None:
                app.openapi_schema = _drawn(app, routes(), extra_schemas())
            return app.openapi_schema

    app.openapi = draw  # type: ignore[method-assign]

    @app.get("/openapi.json", include_in_schema=False)
    async def show_document() -> JSONResponse:
        # In a thread: the first takes seconds, in which others are served.
        return JSONResponse(await asyncio.to_thread(draw))


def _drawn(app: FastAPI, routes: list[BaseRoute], extra_schemas: dict[str, Any]) -> dict[str, Any]:
    build_models()
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=routes,
    )
    schemas = document["components"]["schemas"]
    for replaced in ("HTTPValidationError", "ValidationError"):
        schemas.pop(replaced, None)
    schemas.update(extra_schemas | named_schemas(Problem))
    for name, schema in schemas.items():
        if name.endswith(("-Input", "-Output")):
            # Both bear the model's name, after which some generators call their classes.
            schema["title"] = name.replace("-", "")
    for path in document["paths"].values():
        for operation in path.values():
            _correct(operation)
    corrected: dict[str, Any] = with_bounds(document)
    return corrected


def named_schemas(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema and those it refers to, as components."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = schema.pop("$defs", {})
    return parts | {model.__name__: schema}


def _correct(operation: dict[str, Any]) -> None:
    if "security" in operation:
        _document(operation, Unauthenticated, PermissionDenied)
    if any(each["in"] == "query" for each in operation.get("parameters", ())):
        _document(operation, BadRequest)
    if "requestBody" in operation:
        _document(operation, BadRequest, PayloadTooLarge, RequestTimedOut)
        _name_optional_body(operation["requestBody"])
    _document_rails(operation)
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        is_problem = schema.get("$ref", "").endswith(("/Problem", "/HTTPValidationError"))
        if status[0] in "45" and is_problem:
            response["content"] = {"application/problem+json": {"schema": PROBLEM}}


def _document_rails(operation: dict[str, Any]) -> None:
    """What the headers of the rails and the limits can bring about."""
    taken = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "Idempotency-Key" in taken:
        _document(operation, RequestUnderWay)
    if "If-Match" in taken:
        _document(operation, PreconditionFailed)
    if "If-None-Match" in taken:
        operation["responses"].setdefault("304", {"description": "Unchanged; no body"})
        operation["responses"]["200"]["headers"] = {"ETag": ETAG}
    _document(operation, TooManyRequests, Unavailable)


def _document(operation: dict[str, Any], *errors: type[AppError]) -> None:
    """What any route of this kind can answer, where the route itself says nothing of it."""
    for error in errors:
        operation["responses"].setdefault(
            str(error.status),
            {
                "description": error.title,
                "content": {"application/problem+json": {"schema": PROBLEM}},
            },
        )


def _name_optional_body(body: dict[str, Any]) -> None:
    """An optional body is optional by `required`; its schema stays the named one."""
    for media in body["content"].values():
        named = [option for option in media["schema"].get("anyOf", []) if "$ref" in option]
        if len(named) == 1:
            media["schema"] = named[0]
