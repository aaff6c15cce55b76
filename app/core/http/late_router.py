"""Routers that are imported with the first request under their prefix."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from app.core.http.dispatch import Dispatch


class LateRouter:
    """A router by the name of its module, and what all its paths begin with.

    `named` ends in the router's name there where that is another than `router`. A prefix is the
    first or the first two parts of a path (`/hooks`, `/v1/agents`), and no other router has it
    that is not a late one too.
    """

    def __init__(self, named: str, *prefixes: str) -> None:
        self.prefixes = prefixes
        self.module, _, name = named.partition(":")
        self._name = name or "router"

    @property
    def routes(self) -> list[BaseRoute]:
        """Its routes; its module is imported if it has not been."""
        router: APIRouter = getattr(import_module(self.module), self._name)
        return router.routes


class LateRouters(BaseRoute):
    """Answers all under the prefixes of these routers, the first of them that takes a path.

    A process has more than a hundred routers, and is asked for few of them: with their schemas and
    services they are a fifth of its start and of its memory. `prepare` is waited for before each
    request that a router may answer whose module's name begins with none of `prepared`.
    """

    def __init__(
        self,
        routers: Iterable[LateRouter],
        prepare: Callable[[Scope], Awaitable[object]] | None = None,
        prepared: tuple[str, ...] = (),
    ) -> None:
        self._routers = tuple(routers)
        self._prepare = prepare
        self._by_prefix: dict[str, list[LateRouter]] = defaultdict(list)
        for router in self._routers:
            for prefix in router.prefixes:
                self._by_prefix[prefix].append(router)
        self._unprepared = {
            prefix
            for prefix, below in self._by_prefix.items()
            if not all(router.module.startswith(prepared) for router in below)
        }
        self._loaded: dict[str, APIRouter] = {}

    @property
    def original_router(self) -> APIRouter:
        """All of them, imported."""
        return _joined(self._routers)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        below = scope["type"] == "http" and self._prefix_of(scope["path"])
        return (Match.FULL if below else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = self._prefix_of(scope["path"])
        if self._prepare is not None and prefix in self._unprepared:
            await self._prepare(scope)
        if prefix not in self._loaded:
            # In a thread: it can take half a second, in which others are served.
            routers = self._by_prefix[prefix]
            self._loaded[prefix] = await asyncio.to_thread(_joined, routers)
        await self._loaded[prefix](scope, receive, send)

    def _prefix_of(self, path: str) -> str:
        """That of the routers which answer this path, or nothing."""
        parts = path.split("/", 3)
        for prefix in ("/".join(parts[:3]), "/".join(parts[:2])):
            if prefix in self._by_prefix:
                return prefix
        return ""


def _joined(routers: Iterable[LateRouter]) -> APIRouter:
    joined = APIRouter()
    for router in routers:
        joined.routes.extend(router.routes)
    joined.middleware_stack = Dispatch(joined)
    return joined
