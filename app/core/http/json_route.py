"""A route whose JSON body is read strictly: UTF-8, bounded depth, no NUL characters."""

import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.core.http.problems import MalformedJson, malformed_json

MAX_DEPTH = 64


class UnfitJson(json.JSONDecodeError):
    """JSON that can be read and not be taken; `place` is where in the body it stands."""

    def __init__(self, sentence: str, place: tuple[str | int, ...]) -> None:
        super().__init__(sentence, "", 0)
        self.place = place

    def told(self) -> MalformedJson:
        return malformed_json(self.msg, *self.place)


class StrictJsonRequest(Request):
    """Its `json()` raises JSONDecodeError for whatever Postgres or Pydantic could choke on."""

    async def json(self) -> Any:
        body = await self.body()
        value = orjson.loads(body)
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
            deep = [name for name, child in _items(value) if _depth(child) >= MAX_DEPTH]
            raise UnfitJson(f"nested deeper than {MAX_DEPTH} levels", tuple(deep[:1]))
        if b"\\u0000" in body and (place := next(_nuls(value), None)) is not None:
            raise UnfitJson("a string holds the NUL character", place)
        return value


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [child for node in level for _, child in _items(node)]
    return deepest


def _nuls(node: Any, *place: str | int) -> Iterator[tuple[str | int, ...]]:
    """Where strings with NUL are; a key with one is at its object. The depth is bounded before."""
    if isinstance(node, str) and "\x00" in node:
        yield place
    for name, child in _items(node):
        if isinstance(name, str) and "\x00" in name:
            yield place
        yield from _nuls(child, *place, name)


def _items(node: Any) -> list[tuple[str | int, Any]]:
    if isinstance(node, dict):
        return list(node.items())
    return list(enumerate(node)) if isinstance(node, list) else []


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
