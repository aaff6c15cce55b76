"""A route whose JSON body is read strictly: UTF-8, bounded depth, no NUL characters."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.core.http.problems import MalformedJson, malformed_json
from app.core.json_limits import MAX_DEPTH, Place, holds_nul, too_deep


class UnfitJson(json.JSONDecodeError):
    """JSON that can be read and not be taken; `place` is where in the body it stands."""

    def __init__(self, sentence: str, place: Place) -> None:
        super().__init__(sentence, "", 0)
        self.place = place

    def told(self) -> MalformedJson:
        return malformed_json(self.msg, *self.place)


class StrictJsonRequest(Request):
    """Its `json()` raises JSONDecodeError for whatever Postgres or Pydantic could choke on."""

    async def json(self) -> Any:
        body = await self.body()
        value = orjson.loads(body)
        if (place := too_deep(body, value)) is not None:
            raise UnfitJson(f"nested deeper than {MAX_DEPTH} levels", place)
        if (place := holds_nul(body, value)) is not None:
            raise UnfitJson("a string holds the NUL character", place)
        return value


class JsonRoute(APIRoute):
    """Hands its endpoint a StrictJsonRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        original = super().get_route_handler()

        async def strict(request: Request) -> Response:
            try:
                return await original(StrictJsonRequest(request.scope, request.receive))
            except RequestValidationError as error:
                if isinstance(error.__cause__, UnfitJson):
                    raise error.__cause__.told() from None
                raise

        return strict
