"""The composition root: one function that builds the service out of its rooms."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from app.chat.conversations.router import router as conversations
from app.chat.messages.router import router as messages
from app.chat.turns.answering import Answering
from app.chat.turns.router import router as turns
from app.chat.turns.titles import Titling
from app.core.config import Settings
from app.core.http import health
from app.core.http.body_limit import BodyLimit
from app.core.http.context import RequestContext
from app.core.http.docs_page import install_docs
from app.core.http.openapi import install_openapi
from app.core.http.problems import install_handlers
from app.core.idempotency import pruning
from app.core.jobs import Job, Jobs
from app.core.kernel import Kernel, open_kernel
from app.core.log import configure_logs, get_logger
from app.identity.access import IdentityResolver
from app.identity.first_start import EMAIL, FirstOwner, create_first_owner, first_workspace
from app.identity.first_start import issue_api_key as issue_key
from app.identity.routes import ROUTERS as IDENTITY
from app.inference.catalog.router import router as catalog
from app.inference.inference import open_inference
from app.inference.integrations.discovery import sync_environment
from app.inference.integrations.router import router as integrations
from app.inference.providers.transport import Transport
from app.inference.relay.app import RelayApp, VendorPaths
from app.runs.events.schemas import event_schemas
from app.runs.runs.bundle import open_runs
from app.runs.runs.router import router as runs

log = get_logger(__name__)

T = TypeVar("T")

VERSION = "0.1.0"
# In the order in which a newcomer reads them at /docs.
ROUTERS = (
    turns, conversations, messages, runs, catalog, integrations, *IDENTITY, health.router,
)  # fmt: skip
EXPOSED_HEADERS = ["Link", "Location", "Retry-After", "X-Request-Id", "X-Run-Id"]


def create_app(settings: Settings) -> FastAPI:
    """The whole service as one ASGI application; its stores open with its lifespan."""
    configure_logs(settings.log_level, settings.log_format)
    app = FastAPI(
        title="Luminous",
        version=VERSION,
        lifespan=_lifespan(settings),
        telemetry={"tracing": False, "metrics": False, "logs": False},
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(RequestContext),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_credentials=True,
                allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
                allow_headers=["*"],
                expose_headers=EXPOSED_HEADERS,
            ),
            Middleware(VendorPaths),
            Middleware(BodyLimit, most=settings.max_body_bytes),
        ],
    )
    install_handlers(app)
    install_docs(app)
    for router in ROUTERS:
        app.include_router(router)
    install_openapi(app, extra_schemas=event_schemas())
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            kernel = await stack.enter_async_context(open_kernel(settings))
            kernel.resolver = await stack.enter_async_context(IdentityResolver(kernel))
            inference = await stack.enter_async_context(open_inference(kernel))
            answering = Answering(kernel.database, inference.directory, settings)
            works = (answering, Titling(kernel.database, inference.directory))
            app.state.kernel, app.state.inference = kernel, inference
            app.state.relay = RelayApp(kernel, inference)
            app.state.answering = answering
            app.state.runs = await stack.enter_async_context(open_runs(kernel, works))
            jobs = await stack.enter_async_context(Jobs(kernel.valkey, _jobs(kernel)))
            kernel.nudge = jobs.nudge
            await _take_up_environment(kernel, inference.transport)
            _spare_the_collector()
            yield

    return lifespan


def _jobs(kernel: Kernel) -> tuple[Job, ...]:
    """What the rooms do again and again, in one of the processes."""
    return (pruning(kernel.database),)


def _spare_the_collector() -> None:
    """Leave what is loaded now out of every later collection: it took a sixth of a turn's CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


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
        async with open_kernel(settings, vectors=False) as kernel:
            return await act(kernel)

    return asyncio.run(within())
