"""A route whose JSON body is read strictly: UTF-8, bounded depth, no NUL characters."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

MAX_DEPTH = 64


class StrictJsonRequest(Request):
    """Its `json()` raises JSONDecodeError for whatever Postgres or Pydantic could choke on."""

    async def json(self) -> Any:
        body = await self.body()
        value = orjson.loads(body)
        if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
            raise json.JSONDecodeError(f"nested deeper than {MAX_DEPTH} levels", "", 0)
        if b"\\u0000" in body and _holds_nul(value):
            raise json.JSONDecodeError(
                "a string holds the NUL character", "", body.find(b"\\u0000")
            )
        return value


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [child for node in level for child in _children(node)]
    return deepest


def _holds_nul(value: Any) -> bool:
    level = [value]
    while level:
        if any(isinstance(node, str) and "\x00" in node for node in level):
            return True
        level = [child for node in level for child in (*_children(node), *_keys(node))]
    return False


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _keys(node: Any) -> list[Any]:
    return list(node) if isinstance(node, dict) else []


class JsonRoute(APIRoute):
    """Hands its endpoint a StrictJsonRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        original = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await original(StrictJsonRequest(request.scope, request.receive))

        return strict
