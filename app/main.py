"""The composition root: one function that builds the service out of its rooms."""

import asyncio
import ctypes
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass
from typing import TypeVar

from fastapi import FastAPI
from starlette.middleware import Middleware

from app.agents.a2a.endpoint import A2aPath
from app.agents.agents import open_agents
from app.agents.definitions.models import AGENT_KIND
from app.agents.definitions.source import AgentSource
from app.agents.mcp_endpoint.endpoint import McpPath
from app.agents.memory.source import MemorySource
from app.agents.routes import ROUTERS as AGENTS
from app.agents.templates.personal import TemplateStore
from app.agents.templates.source import TemplateSource
from app.automation.automation import open_automation
from app.automation.routes import ROUTERS as AUTOMATION
from app.automation.workflows.models import WORKFLOW_KIND
from app.automation.workflows.source import WorkflowSource
from app.chat.conversations.router import router as conversations
from app.chat.messages.finding import MessageSource
from app.chat.messages.past import PastTurns
from app.chat.messages.router import router as messages
from app.chat.sharing.router import links as shared_links
from app.chat.sharing.router import router as shares
from app.chat.turns.answering import Answering
from app.chat.turns.router import router as turns
from app.chat.turns.titles import Titling
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
from app.core.jobs import Jobs
from app.core.kernel import Kernel, open_kernel
from app.core.log import configure_logs, get_logger
from app.core.outbox import Dispatcher
from app.identity.access import IdentityResolver
from app.identity.first_start import EMAIL, FirstOwner, create_first_owner, first_workspace
from app.identity.first_start import issue_api_key as issue_key
from app.identity.personal import IdentityPeople, ServiceAccountStore
from app.identity.routes import ROUTERS as IDENTITY
from app.identity.scim.wire import install_scim_errors
from app.identity.sessions.guard import require_recent
from app.identity.sso.ways import Ways
from app.identity.versioned.personal import PrivateStore
from app.identity.workspaces.jobs import workspaces_job
from app.inference.batches.batching import Batching
from app.inference.batches.parts import Outside
from app.inference.batches.router import router as batches
from app.inference.budgets.router import router as budgets
from app.inference.cache.personal import CacheStore
from app.inference.cache.router import router as caches
from app.inference.catalog.router import router as catalog
from app.inference.compare.comparing import Comparing
from app.inference.compare.router import router as comparisons
from app.inference.customers.router import router as customers
from app.inference.explain.router import router as route_explanations
from app.inference.feedback.router import router as feedback
from app.inference.fine_tuning.router import router as fine_tuning
from app.inference.fine_tuning.training import Training
from app.inference.guardrails.router import router as guardrails
from app.inference.inference import Inference, open_inference
from app.inference.integrations.discovery import sync_environment
from app.inference.integrations.recipients import recipients
from app.inference.integrations.router import router as integrations
from app.inference.prices.router import router as prices
from app.inference.providers.plugins import install_plugins
from app.inference.providers.transport import Transport
from app.inference.relay.app import RelayApp, VendorPaths
from app.inference.routing.router import router as routes
from app.inference.usage.router import router as usage
from app.knowledge.collections.personal import DocumentStore
from app.knowledge.collections.source import DocumentSource
from app.knowledge.detection.suggestions.work import Scanning
from app.knowledge.dictionary.source import EntrySource
from app.knowledge.evaluations.evaluating import Evaluating
from app.knowledge.exchange.importing import Importing
from app.knowledge.graph.extraction.jobs import graph_job
from app.knowledge.graph.extraction.work import Extraction
from app.knowledge.graph.purging import purge_job
from app.knowledge.graph.walks.picture import Drawing
from app.knowledge.ingestion.bundle import open_ingestion
from app.knowledge.ingestion.routes import uploads
from app.knowledge.knowledge import Knowledge, open_knowledge
from app.knowledge.routes import ROUTERS as KNOWLEDGE
from app.knowledge.storage.files import Files
from app.knowledge.storage.open import open_files
from app.knowledge.storage.personal import WorkspaceFiles
from app.oversight.audit.router import router as audit
from app.oversight.audit.writing import audited_kernel, keep_trail
from app.oversight.privacy.files import FileStore
from app.oversight.privacy.postgres import PostgresStore
from app.oversight.privacy.privacy import Privacy
from app.oversight.privacy.qdrant import QdrantStore
from app.oversight.privacy.routes import privacy_jobs, privacy_routers
from app.oversight.privacy.stores import PersonalStore
from app.oversight.privacy.trail import TrailStore
from app.oversight.privacy.valkey import ValkeyStore
from app.recurring import recurring_jobs
from app.runs.dialects.schemas import dialect_schemas
from app.runs.events.schemas import event_schemas
from app.runs.personal import RunLogStore
from app.runs.runs.bundle import open_runs
from app.runs.runs.lease import open_lease
from app.runs.runs.router import router as runs
from app.runs.runs.work import Work

log = get_logger(__name__)

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
# What searches find, by who tells of it.
SOURCES = (
    MessageSource(), EntrySource(), DocumentSource(), AgentSource(), MemorySource(),
    TemplateSource(), WorkflowSource(),
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
        lifespan=_lifespan(settings),
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


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            kernel = await stack.enter_async_context(open_kernel(settings))
            keep_trail(kernel.database)
            app.state.files = files = open_files(settings)
            resolver = await stack.enter_async_context(IdentityResolver(kernel))
            kernel.resolver, app.state.signing_keys = resolver, resolver.signing_keys
            # Closed last: what a process holds is written before another one may take it up.
            lease = await stack.enter_async_context(open_lease(kernel))
            inference = await stack.enter_async_context(open_inference(kernel, lease))
            comparing = Comparing(kernel.database, inference.calls)
            outside = Outside(inference.transport, inference.directory, inference.prices)
            app.state.training = training = Training(kernel.database, inference.calls, outside)
            app.state.kernel, app.state.inference, app.state.drawing = kernel, inference, Drawing()
            app.state.knowledge = knowledge = await open_knowledge(kernel, inference, SOURCES)
            app.state.agents = agents = await stack.enter_async_context(
                open_agents(kernel, inference, knowledge, files)
            )
            app.state.automation = automation = await stack.enter_async_context(
                open_automation(kernel, inference, knowledge, agents, files)
            )
            answering = Answering(kernel.database, inference.calls, settings, knowledge.grounder)
            intake = open_ingestion(kernel, knowledge.indexer, inference.embedders, files)
            works: tuple[Work, ...] = (
                answering,
                Titling(kernel.database, inference.calls),
                comparing,
                Batching(kernel.database, inference.calls, outside, settings.batch_concurrency),
                training,
                *_works(kernel, inference, knowledge),
                *agents.works,
                *automation.works,
                *await stack.enter_async_context(intake),
            )
            app.state.relay, app.state.ways = RelayApp(kernel, inference), Ways(kernel)
            app.state.answering, app.state.comparing = answering, comparing
            app.state.runs = opened = await stack.enter_async_context(
                open_runs(kernel, works, lease, automation.driver.elsewhere)
            )
            agents.begin(opened, PastTurns())
            await stack.enter_async_context(automation.begin(opened))
            app.state.privacy = privacy = _privacy(kernel, files)
            jobs = (
                *recurring_jobs(kernel, files),
                knowledge.indexer.job(),
                graph_job(kernel.database, opened.executor),
                purge_job(kernel.database),
                *agents.jobs,
                *automation.jobs,
                *Dispatcher(kernel.database, automation.subscribers).jobs(),
                workspaces_job(kernel, privacy),
                *privacy_jobs(kernel, privacy),
            )
            kernel.nudge = (await stack.enter_async_context(Jobs(kernel.valkey, jobs))).nudge
            await _begin_well(kernel, inference.transport)
            yield

    return lifespan


def _works(kernel: Kernel, inference: Inference, knowledge: Knowledge) -> tuple[Work, ...]:
    """What the knowledge room carries out as runs."""
    return (
        Extraction(kernel.database, inference.calls, knowledge.detector),
        Evaluating(kernel.database, knowledge.searching),
        Importing(kernel),
        Scanning(kernel, knowledge.detector.embedder),
    )


def _privacy(kernel: Kernel, stored: Files) -> Privacy:
    """Where personal data is kept, in the order of its erasure: what Postgres tells of first.

    Postgres is last: its rows say what is still to be erased where one was cut off.
    """
    stores: list[PersonalStore] = [
        RunLogStore(kernel),
        CacheStore(kernel.valkey),
        ValkeyStore(kernel.valkey),
        *([QdrantStore(kernel.vectors)] if kernel.vectors else []),
        WorkspaceFiles(stored),
        DocumentStore(kernel.database, stored),
        PrivateStore(kernel.database, AGENT_KIND),
        PrivateStore(kernel.database, WORKFLOW_KIND),
        TemplateStore(kernel.database),
        FileStore(kernel.settings.data_dir),
        TrailStore(kernel.database),
        ServiceAccountStore(kernel.database),
        PostgresStore(kernel.database),
    ]
    return Privacy(IdentityPeople(), tuple(stores), recipients)


def _spare_the_collector() -> None:
    """Leave what is loaded now out of every later collection: it took a sixth of a turn's CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    # What the start alone needed goes back to the system; only glibc has the call.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


async def _begin_well(kernel: Kernel, transport: Transport) -> None:
    """What is left to do once everything is open."""
    await _take_up_environment(kernel, transport)
    _spare_the_collector()


async def _take_up_environment(kernel: Kernel, transport: Transport) -> None:
    workspace_id = await first_workspace(kernel)
    if workspace_id is not None:
        await sync_environment(kernel, workspace_id, transport)


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
