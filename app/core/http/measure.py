"""Measuring requests, and `/metrics`: plain, outside the document, for this machine or a token."""

import hmac
import ipaddress
from typing import Final

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import Scope

from app.core.config import Settings
from app.core.errors import NotFound
from app.core.metrics import DATABASE_CONNECTIONS, REQUESTS, exposition

ROUTE: Final = "luminous.route"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})


def measure(scope: Scope, status: int, seconds: float) -> None:
    """Count a request under its route's template; one without a route is `unmatched`."""
    method = scope["method"] if scope["method"] in METHODS else "OTHER"
    route = str(scope.get(ROUTE) or getattr(scope.get("route"), "path", "unmatched"))
    REQUESTS.count(method, route, status, seconds)


def install_metrics(app: FastAPI, settings: Settings) -> None:
    """Add the route; to whoever may not read it, it does not exist."""

    @app.get("/metrics", include_in_schema=False)
    async def show_metrics(request: Request) -> Response:
        if not _may_read(request, settings):
            raise NotFound
        pool = request.app.state.kernel.database.connections()
        for state, count in pool.items():
            DATABASE_CONNECTIONS.labels(state).set(count)
        return Response(exposition(), media_type=CONTENT_TYPE_LATEST)


def _may_read(request: Request, settings: Settings) -> bool:
    if settings.metrics_token is None:
        return _is_local(request)
    expected = f"Bearer {settings.metrics_token.get_secret_value()}"
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), expected.encode())


def _is_local(request: Request) -> bool:
    """Whether this machine itself asks, and no proxy on it for someone else."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
