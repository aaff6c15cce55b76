"""Where A2A peers find the service and its agents."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX: Final = "/a2a"
AGENTS: Final = f"{PREFIX}/agents/"
CARD: Final = "/.well-known/agent-card.json"


class A2aPath:
    """Middleware that hands `/a2a` and the service's card to the endpoint, ahead of all routing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path in (CARD, PREFIX) or path.startswith(f"{PREFIX}/"):
            state = scope["app"].state
            await state.upper.opened()
            await state.agents.a2a(scope, receive, send)
        else:
            await self._app(scope, receive, send)
