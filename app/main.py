"""The composition root: one function that builds the service out of its rooms."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import FastAPI
from starlette.middleware import Middleware

from app.agents.a2a.endpoint import A2aPath
from app.agents.mcp_endpoint.endpoint import McpPath
from app.agents.routes import ROUTERS as AGENTS
from app.automation.routes import ROUTERS as AUTOMATION
from app.chat.conversations.router import router as conversations
from app.chat.messages.router import router as messages
from app.chat.sharing.router import links as shared_links
from app.chat.sharing.router import router as shares
from app.chat.turns.router import router as turns
from app.core.config import Settings
from app.core.http import csrf, health
from app.core.http.application import Service
from app.core.http.body_limit import BodyLimit
from app.core.http.bounds import BodyTime, HeadLimit
from app.core.http.context import RequestContext, StrayErrors
from app.core.http.cors import CrossOrigin
from app.core.http.docs_page import install_docs
from app.core.http.headers import security_headers
from app.core.http.measure import install_metrics
from app.core.http.openapi import install_openapi
from app.core.http.problems import install_handlers
from app.core.http.proxies import TrustedProxies
from app.core.kernel import Kernel
from app.core.log import configure_logs
from app.identity.first_start import EMAIL, FirstOwner, create_first_owner
from app.identity.first_start import issue_api_key as issue_key
from app.identity.routes import ROUTERS as IDENTITY
from app.identity.scim.edge import install_scim_errors
from app.identity.sessions.guard import require_recent
from app.inference.batches.router import router as batches
from app.inference.budgets.router import router as budgets
from app.inference.cache.router import router as caches
from app.inference.catalog.router import router as catalog
from app.inference.compare.router import router as comparisons
from app.inference.customers.router import router as customers
from app.inference.explain.router import router as route_explanations
from app.inference.feedback.router import router as feedback
from app.inference.fine_tuning.router import router as fine_tuning
from app.inference.guardrails.router import router as guardrails
from app.inference.integrations.router import router as integrations
from app.inference.prices.router import router as prices
from app.inference.providers.plugins import install_plugins
from app.inference.relay.app import VendorPaths
from app.inference.routing.router import router as routes
from app.inference.usage.router import router as usage
from app.knowledge.ingestion.routes import uploads
from app.knowledge.routes import ROUTERS as KNOWLEDGE
from app.lifespan import lifespan_of
from app.oversight.audit.router import router as audit
from app.oversight.audit.writing import audited_kernel
from app.oversight.privacy.routes import privacy_routers
from app.runs.dialects.schemas import dialect_schemas
from app.runs.events.schemas import event_schemas
from app.runs.runs.router import router as runs

T = TypeVar("T")

VERSION = "0.1.0"
# In the order in which a newcomer reads them at /docs.
ROUTERS = (
    turns, conversations, messages, shares, shared_links, runs, catalog, integrations, routes,
    route_explanations, comparisons, batches, fine_tuning,
    feedback, guardrails, caches, prices, budgets, customers,
    usage, *AGENTS, *AUTOMATION, *KNOWLEDGE, *IDENTITY, audit, *privacy_routers(require_recent),
    health.router,
)  # fmt: skip
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
    "Anthropic-Dangerous-Direct-Browser-Access", "X-Goog-Api-Client",
    csrf.HEADER, "OpenAI-Beta", "OpenAI-Organization", "OpenAI-Project", "X-Stainless-Arch",
    "X-Stainless-Helper-Method", "X-Stainless-Lang", "X-Stainless-OS",
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
        telemetry={"tracing": False, "metrics": False, "logs": False},
        docs_url=None,
        redoc_url=None,
        outermost=[
            Middleware(TrustedProxies, trusted=settings.trusted_proxies),
            Middleware(RequestContext, defaults=security_headers(settings)),
            Middleware(
                CrossOrigin,
                allow_origins=settings.cors_origins,
                allow_credentials=True,
                allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
                allow_headers=ACCEPTED_HEADERS,
                expose_headers=EXPOSED_HEADERS,
            ),
            Middleware(StrayErrors),
            Middleware(HeadLimit),
            Middleware(BodyTime, seconds=settings.slow_body_seconds),
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
    install_docs(app)
    install_metrics(app, settings)
    for router in ROUTERS:
        # As they are: `include_router` would build each of them again, at the first request.
        app.router.routes.extend(router.routes)
    install_openapi(app, extra_schemas={**event_schemas(), **dialect_schemas()})
    return app


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
