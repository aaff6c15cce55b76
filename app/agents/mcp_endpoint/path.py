"""Where MCP clients find the service."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

PATH: Final = "/mcp"


class McpPath:
    """Middleware that hands `/mcp` to the agents' endpoint, ahead of all routing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") == PATH:
            state = scope["app"].state
            await state.upper.opened()
            await state.agents.endpoint(scope, receive, send)
        else:
            await self._app(scope, receive, send)
