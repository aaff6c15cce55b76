"""The composition root: one function that builds the service out of its rooms."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from app.core.config import Settings
from app.core.http import health
from app.core.http.context import RequestContext
from app.core.http.docs_page import install_docs
from app.core.http.openapi import install_openapi
from app.core.http.problems import install_handlers
from app.core.kernel import open_kernel
from app.core.log import configure_logs

VERSION = "0.1.0"

EXPOSED_HEADERS = ["Link", "Location", "Retry-After", "X-Request-Id", "X-Run-Id"]


def create_app(settings: Settings) -> FastAPI:
    """The whole service as one ASGI application; its stores open with its lifespan."""
    configure_logs(settings.log_level, settings.log_format)
    app = FastAPI(
        title="Luminous",
        version=VERSION,
        lifespan=_lifespan(settings),
        telemetry={"tracing": False, "metrics": False, "logs": False},
        max_body_size=settings.max_body_bytes,
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
        ],
    )
    install_handlers(app)
    install_docs(app)
    app.include_router(health.router)
    install_openapi(app, extra_schemas={})
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            kernel = await stack.enter_async_context(open_kernel(settings))
            app.state.kernel = kernel
            yield

    return lifespan


def announce_stop(app: FastAPI) -> None:
    """Tell open streams to end now, so that the server can stop; their clients resume."""
    app.state.kernel.stopping.set()
