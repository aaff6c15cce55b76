"""The composition root: one function that builds the service out of its rooms."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import Scope

from app.agents.a2a.path import A2aPath
from app.agents.mcp_endpoint.path import McpPath
from app.agents.routes import ROUTERS as AGENTS
from app.automation.routes import ROUTERS as AUTOMATION
from app.core.config import Settings
from app.core.http import csrf, health
from app.core.http.application import Service
from app.core.http.body_limit import BodyLimit
from app.core.http.context import StrayErrors
from app.core.http.dispatch import Dispatch
from app.core.http.docs_page import install_docs
from app.core.http.edge import Edge
from app.core.http.headers import Defaults
from app.core.http.late_router import LateRouter, LateRouters
from app.core.http.measure import install_metrics
from app.core.http.openapi import install_openapi
from app.core.http.problems import install_handlers
from app.core.http.proxies import TrustedProxies
from app.core.kernel import Kernel
from app.core.log import configure_logs
from app.first_use import LOWER
from app.identity.first_start import EMAIL, FirstOwner, create_first_owner
from app.identity.first_start import issue_api_key as issue_key
from app.identity.routes import ROUTERS as IDENTITY
from app.identity.scim.edge import install_scim_errors
from app.inference.providers.plugins import install_plugins
from app.inference.relay.app import VendorPaths
from app.knowledge.ingestion.routes import uploads
from app.knowledge.routes import ROUTERS as KNOWLEDGE
from app.lifespan import lifespan_of
from app.oversight.audit.writing import audited_kernel
from app.runs.dialects.schemas import dialect_schemas
from app.runs.events.schemas import event_schemas

T = TypeVar("T")

VERSION = "0.1.0"
# In the order in which a newcomer reads them at /docs.
ROUTERS: Final[tuple[LateRouter | APIRouter, ...]] = (
    LateRouter("app.chat.turns.router", "/v1/chat", "/v1/conversations"),
    LateRouter("app.chat.conversations.router", "/v1/conversations"),
    LateRouter("app.chat.messages.router", "/v1/conversations"),
    LateRouter("app.chat.sharing.router", "/v1/conversations"),
    LateRouter("app.chat.sharing.router:links", "/v1/shared-links"),
    LateRouter("app.runs.runs.router", "/v1/runs"),
    LateRouter("app.inference.catalog.router", "/v1/models"),
    LateRouter("app.inference.integrations.router", "/v1/integration-kinds", "/v1/integrations"),
    LateRouter("app.inference.routing.router", "/v1/routes"),
    LateRouter("app.inference.explain.router", "/v1/routes"),
    LateRouter("app.inference.compare.router", "/v1/compare"),
    LateRouter("app.inference.batches.router", "/v1/batches"),
    LateRouter("app.inference.fine_tuning.router", "/v1/fine-tuning"),
    LateRouter("app.inference.feedback.router", "/v1/feedback"),
    LateRouter("app.inference.guardrails.router", "/v1/guardrails"),
    LateRouter("app.inference.cache.router", "/v1/caches"),
    LateRouter("app.inference.prices.router", "/v1/prices"),
    LateRouter("app.inference.budgets.router", "/v1/budgets"),
    LateRouter("app.inference.customers.router", "/v1/customers"),
    LateRouter("app.inference.usage.router", "/v1/usage"),
    *AGENTS,
    *AUTOMATION,
    *KNOWLEDGE,
    *IDENTITY,
    LateRouter("app.oversight.audit.router", "/v1/audit-logs"),
    LateRouter("app.identity.privacy.routes:exports", "/v1/privacy"),
    LateRouter("app.identity.privacy.routes:erasures", "/v1/privacy"),
    LateRouter("app.oversight.privacy.erasures.router:certificates", "/v1/privacy"),
    LateRouter("app.oversight.privacy.consents.router", "/v1/privacy"),
    LateRouter("app.oversight.privacy.retention.router", "/v1/privacy"),
    LateRouter("app.oversight.privacy.register.router", "/v1/privacy"),
    health.router,
)
EXPOSED_HEADERS = [
    "ETag", "Link", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id",
    "X-Run-Id", "Idempotency-Replayed", "Dry-Run", "Deprecation", "Sunset", "Age",
    "X-Luminous-Attempts", "X-Luminous-Cache", "X-Luminous-Call-Id", "X-Luminous-Guardrails",
    "X-Luminous-Model",
    "X-Luminous-Route", "X-Luminous-Token-Count",
]  # fmt: skip
# Beside those that a browser sends by itself; the rest is what OpenAI's own client adds.
ACCEPTED_HEADERS = [
    "Accept", "Authorization", "Cache-Control", "Content-Type", "Idempotency-Key", "If-Match",
    "If-None-Match", "Last-Event-ID", "X-Customer-Id", "X-Luminous-Cache", "X-Luminous-Route",
    "X-Luminous-Tags", "X-Luminous-Timeout", "X-Request-Id", "X-Share-Token", "X-Workspace-Id",
    "X-Api-Key", "Mcp-Method", "Mcp-Name", "Mcp-Protocol-Version", "Mcp-Session-Id",
    "X-Goog-Api-Key", "Api-Key", "Anthropic-Version", "Anthropic-Beta",
    "Anthropic-Dangerous-Direct-Browser-Access", "X-Goog-Api-Client", "A2A-Version",
    "A2A-Extensions", "User-Agent", csrf.HEADER, "OpenAI-Beta", "OpenAI-Organization",
    "OpenAI-Project", "X-Stainless-Arch",
    "X-Stainless-Helper", "X-Stainless-Helper-Method", "X-Stainless-Lang", "X-Stainless-OS",
    "X-Stainless-Package-Version", "X-Stainless-Poll-Helper", "X-Stainless-Retry-Count",
    "X-Stainless-Runtime", "X-Stainless-Runtime-Version", "X-Stainless-Timeout",
]  # fmt: skip


def create_app(settings: Settings) -> FastAPI:
    """The whole service as one ASGI application; its stores open with its lifespan."""
    configure_logs(settings.log_level, settings.log_format)
    install_plugins(settings.provider_plugins)
    app = Service(
        title="Luminous",
        version=VERSION,
        lifespan=lifespan_of(settings),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        outermost=[
            Middleware(
                Edge,
                proxies=TrustedProxies(settings.trusted_proxies),
                cross_origin={
                    "allow_origins": settings.cors_origins,
                    "allow_credentials": True,
                    "allow_methods": ["GET", "POST", "PATCH", "PUT", "DELETE"],
                    "allow_headers": ACCEPTED_HEADERS,
                    "expose_headers": EXPOSED_HEADERS,
                },
                defaults=Defaults(settings),
                body_seconds=settings.slow_body_seconds,
            ),
            Middleware(VendorPaths),
            Middleware(McpPath),
            Middleware(A2aPath),
        ],
        middleware=[
            Middleware(StrayErrors),
            Middleware(
                BodyLimit,
                most=settings.max_body_bytes,
                larger=uploads(settings.max_document_bytes),
            ),
        ],
    )
    install_handlers(app)
    install_scim_errors(app)
    install_docs(app, all_routes)
    install_metrics(app, settings)
    routers = [router for router in ROUTERS if isinstance(router, LateRouter)]
    late = LateRouters(routers, _open_upper, LOWER)
    app.router.routes.append(late)
    for router in ROUTERS:
        if isinstance(router, APIRouter):
            # As it is: `include_router` would build its routes again, at the first request.
            app.router.routes.extend(router.routes)
    app.router.middleware_stack = Dispatch(app.router)
    install_openapi(app, all_routes, _stream_schemas)
    return app


def all_routes() -> list[BaseRoute]:
    """Every route in its order; what was left for its first request is imported now."""
    return [route for router in ROUTERS for route in router.routes]


async def _open_upper(scope: Scope) -> None:
    await scope["app"].state.upper.opened()


def _stream_schemas() -> dict[str, Any]:
    return {**event_schemas(), **dialect_schemas()}


def announce_stop(app: FastAPI) -> None:
    """Tell open streams to end now, so that the server can stop; their clients resume."""
    if hasattr(app.state, "kernel"):
        app.state.kernel.stopping.set()


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What the terminal shows of the first owner; key and password only where just made."""

    owner_email: str
    api_key: str | None
    password: str | None


def first_start(settings: Settings) -> FirstStart:
    """Make the first owner, workspace and API key where there is no account yet."""
    made: FirstOwner | None = _with_kernel(settings, create_first_owner)
    if made is None:
        return FirstStart(EMAIL, None, None)
    return FirstStart(made.email, made.api_key, made.password)


def issue_api_key(settings: Settings) -> str:
    """Another API key of the first workspace; raises UserNotFound before the first start."""
    return _with_kernel(settings, issue_key)


def _with_kernel(settings: Settings, act: Callable[[Kernel], Awaitable[T]]) -> T:
    async def within() -> T:
        async with audited_kernel(settings) as kernel:
            return await act(kernel)

    return asyncio.run(within())
