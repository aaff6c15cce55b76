"""A whole router that is imported with the first request under its prefix."""

import asyncio
from importlib import import_module

from fastapi import APIRouter
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send


class LateRouter(BaseRoute):
    """Answers all under `prefix` with the `router` of the module that is named.

    For what few use and what costs each start much: the library behind it. The router answers
    every address under its prefix, as nothing else is asked once it was chosen.
    """

    def __init__(self, prefix: str, module: str) -> None:
        self._prefix = prefix
        self._module = module
        self._loaded: APIRouter | None = None

    @property
    def original_router(self) -> APIRouter:
        """The router itself; its module is imported if it has not been."""
        router: APIRouter = import_module(self._module).router
        return router

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        below = scope["type"] == "http" and scope["path"].startswith(f"{self._prefix}/")
        return (Match.FULL if below else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._loaded is None:
            # In a thread: it takes half a second, in which others are served.
            self._loaded = await asyncio.to_thread(lambda: self.original_router)
        await self._loaded(scope, receive, send)
