"""The ASGI application at `/mcp`: who calls, how often, from where, and how much; then the SDK.

Each request is served for itself, so that any process can take it. Versions of the protocol up to
2025-11-25 are given a session id, of which nothing is kept: it tells whose request a cancellation
is about.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from app.agents.mcp_endpoint.path import PATH
from app.agents.mcp_endpoint.ports import AgentRuns
from app.agents.mcp_endpoint.serving import ACCESS, SESSION, Served, server_of
from app.core.audit import current_request
from app.core.auth import Access
from app.core.errors import AppError, BadRequest, MethodNotAllowed, PermissionDenied
from app.core.http.context import add_headers
from app.core.http.event_stream import SlowReader, let_in, serve_while
from app.core.http.guard import CredentialMissing
from app.core.http.json_route import facts_of
from app.core.http.measure import ROUTE
from app.core.http.problems import problem_response, translate
from app.core.http.rate_limits import count, resolve_counted
from app.core.json_limits import holds_nul, too_deep
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.inference.relay.body import ClientGone, read_body
from app.inference.relay.credentials import credentials

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

log = get_logger(__name__)

MOST_BYTES: Final = 4 * 1024 * 1024
SESSION_HEADER: Final = b"mcp-session-id"


class OriginRefused(PermissionDenied):
    code = "origin_refused"
    title = "The request comes from a page that may not call"


class McpEndpoint:
    """One a process; the SDK is loaded when the first client comes."""

    def __init__(self, kernel: Kernel, served: Served, agents: AgentRuns) -> None:
        self._kernel = kernel
        self._served = served
        self._agents = agents
        self._manager: StreamableHTTPSessionManager | None = None
        self._ready: asyncio.Future[None] | None = None
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        self._closing.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=5)
            self._task.cancel()
            await asyncio.wait([self._task])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROUTE] = PATH
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await self._send(send, message)

        try:
            await self._serve(scope, receive, watched)
        except ClientGone:
            return
        except Exception as error:
            if begun:
                raise
            shown = translate(error)
            if not isinstance(error, AppError):
                log.exception("mcp_failed", code=shown.code)
            answer = problem_response(shown, path=PATH, request_id=scope.get("request_id"))
            await answer(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._expect_origin(scope)
        if scope["method"] != "POST":
            await count(scope, self._kernel)
            said = "Send JSON-RPC messages by POST: there is no stream to open."
            raise MethodNotAllowed(said, allow=("POST",))
        access = await self._caller(scope)
        most = min(MOST_BYTES, self._kernel.settings.max_body_bytes)
        body = await read_body(scope, receive, most)
        asked = _message(body)
        scope[ACCESS], scope[SESSION] = access, _header(scope, SESSION_HEADER)
        if asked.get("method") == "notifications/cancelled":
            await self._cancel(access, scope[SESSION], asked)
        elif asked.get("method") == "initialize":
            add_headers(scope, [(SESSION_HEADER, secrets.token_hex(16).encode())])
        manager = await self._opened()
        reader = let_in(self._kernel)
        await serve_while(manager.handle_request, reader, scope, _again(body, receive), send)

    async def _caller(self, scope: Scope) -> Access:
        """Raises CredentialMissing, and what the resolver and the limits raise."""
        bearer, workspace_id = credentials(scope, dict(scope["headers"]))
        if not bearer:
            await count(scope, self._kernel)
            raise CredentialMissing("Send `Authorization: Bearer <API key>`.")
        access = await resolve_counted(scope, self._kernel, bearer, workspace_id)
        facts = facts_of(Request(scope), "mcp_call")
        current_request.set(replace(facts, access=access))
        return access

    def _expect_origin(self, scope: Scope) -> None:
        """A page that a browser shows must be of a listed origin, whatever name led it here."""
        origin = _header(scope, b"origin").lower()
        settings = self._kernel.settings
        public = "/".join(settings.public_url.split("/")[:3])
        listed = {each.rstrip("/").lower() for each in (*settings.cors_origins, public) if each}
        if origin and origin not in listed:
            raise OriginRefused("The Origin is not listed; see LUMINOUS_CORS_ORIGINS.")

    async def _cancel(self, access: Access, session: str, asked: dict[str, Any]) -> None:
        params = asked.get("params")
        request = params.get("requestId") if isinstance(params, dict) else None
        if isinstance(request, str | int):
            run_id = await self._served.calls.find(access, session, request)
            if run_id is not None:
                await self._agents.cancel(access, run_id)

    async def _opened(self) -> "StreamableHTTPSessionManager":
        if self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._keep(self._ready), name="mcp-endpoint")
        await asyncio.shield(self._ready)
        assert self._manager is not None  # noqa: S101 - it is ready
        return self._manager

    async def _keep(self, ready: "asyncio.Future[None]") -> None:
        """The SDK's tasks live in a task of their own, as long as this process serves."""
        from mcp.server.streamable_http_manager import (  # noqa: PLC0415 - with the first client
            StreamableHTTPSessionManager,
        )

        self._manager = StreamableHTTPSessionManager(
            server_of(self._served), stateless=True, max_request_body_size=MOST_BYTES
        )
        async with self._manager.run():
            ready.set_result(None)
            await self._closing.wait()

    async def _send(self, send: Send, message: Message) -> None:
        try:
            async with asyncio.timeout(self._kernel.settings.slow_reader_seconds):
                await send(message)
        except TimeoutError:
            raise SlowReader from None


def _header(scope: Scope, name: bytes) -> str:
    for given, value in scope["headers"]:
        if given == name:
            return str(value.decode("latin-1"))
    return ""


def _message(body: bytes) -> dict[str, Any]:
    """The message; empty where it is JSON and no message, of which the SDK says what is wrong.

    Raises BadRequest. The SDK takes more for JSON (`NaN`, say): what is not read here would reach
    it unchecked.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The message is no JSON: {error}.") from None
    if too_deep(body, value) is not None or holds_nul(body, value) is not None:
        raise BadRequest("The message is nested too deeply, or holds the NUL character.")
    return value if isinstance(value, dict) else {}


def _again(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """The body that was read, and then what the connection says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
