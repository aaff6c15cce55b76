"""The FastAPI application with the house's middleware outside of the framework's own."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send


class Service(FastAPI):
    """`outermost` goes around everything, from the outside in.

    FastAPI puts what it is given as `middleware` inside three wrappers of its own, which a request
    to a vendor's address, answered ahead of all routing, has no use for.
    """

    def __init__(self, *, outermost: Sequence[Middleware], **options: Any) -> None:
        super().__init__(telemetry={"tracing": False, "metrics": False, "logs": False}, **options)
        self._outermost = outermost

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.middleware_stack is None:
            await super().__call__(scope, receive, send)
            return
        # What FastAPI and Starlette do of it where nothing is to be traced.
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        app = super().build_middleware_stack()
        for middleware in reversed(self._outermost):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        return app
