"""The ASGI application at `/a2a` and its cards: who calls, how often, how much; then the SDK.

Tasks are runs, so any process can answer for any of them. The SDK is loaded when the first
message comes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.agents.a2a.cards import agent_card, expect_name, service_card
from app.agents.a2a.path import AGENTS, CARD, PREFIX
from app.agents.definitions import service as definitions
from app.agents.runtime.launching import Launcher
from app.core.audit import current_request
from app.core.auth import Access, Permission
from app.core.errors import AppError, BadRequest, MethodNotAllowed, NotFound
from app.core.http.event_stream import SlowReader, let_in, serve_while
from app.core.http.guard import CredentialMissing, ScopeMissing
from app.core.http.json_route import facts_of
from app.core.http.measure import ROUTE
from app.core.http.problems import problem_response, translate
from app.core.http.rate_limits import count, resolve_counted
from app.core.json_limits import holds_nul, too_deep
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.inference.relay.body import ClientGone, read_body
from app.inference.relay.credentials import credentials

log = get_logger(__name__)

MOST_BYTES: Final = 16 * 1024 * 1024
NEEDED: Final = (Permission.AGENTS_RUN, Permission.MODELS_INVOKE, Permission.RUNS_READ)
CACHED: Final = {"Cache-Control": "public, max-age=300"}


class A2aEndpoint:
    """One a process."""

    def __init__(self, kernel: Kernel, launcher: Launcher) -> None:
        self._kernel = kernel
        self._launcher = launcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await self._send(send, message)

        try:
            answer = await self._answer(scope, receive)
            await serve_while(answer, let_in(self._kernel), scope, receive, watched)
        except ClientGone:
            return
        except Exception as error:
            if begun:
                raise
            shown = translate(error)
            if not isinstance(error, AppError):
                log.exception("a2a_failed", code=shown.code)
            refusal = problem_response(
                shown, path=scope["path"], request_id=scope.get("request_id")
            )
            await refusal(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        path, method = scope["path"].rstrip("/"), scope["method"]
        if path == CARD:
            scope[ROUTE] = CARD
            return await self._service_card(scope)
        agent = path.removeprefix(AGENTS) if path.startswith(AGENTS) else None
        if agent is not None and agent.endswith(CARD):
            scope[ROUTE] = f"{AGENTS}{{agent}}{CARD}"
            self._expect(method, "GET")
            return await self._agent_card(scope, agent.removesuffix(CARD))
        if (agent is None and path != PREFIX) or (agent is not None and "/" in agent):
            await count(scope, self._kernel)
            raise NotFound("There is nothing at this address.")
        scope[ROUTE] = PREFIX if agent is None else f"{AGENTS}{{agent}}"
        return await self._rpc(scope, receive, agent)

    async def _service_card(self, scope: Scope) -> Response:
        """For everyone; it says nothing of any workspace."""
        await count(scope, self._kernel)
        self._expect(scope["method"], "GET")
        # What its own request says of the address is for that client alone.
        headers = CACHED if self._kernel.settings.public_url else {"Cache-Control": "no-store"}
        return _json(service_card(self._address(scope)), headers)

    async def _agent_card(self, scope: Scope, agent: str) -> Response:
        access = await self._caller(scope, Permission.AGENTS_READ)
        expect_name(agent)
        async with self._kernel.database.unit(access.scope) as session:
            found, version = await definitions.resolve(session, access, agent, None, None)
        return _json(agent_card(self._address(scope), found, version), {})

    async def _rpc(self, scope: Scope, receive: Receive, agent: str | None) -> Response:
        access = await self._caller(scope, *NEEDED)
        self._expect(scope["method"], "POST")
        body = await read_body(
            scope, receive, min(MOST_BYTES, self._kernel.settings.max_body_bytes)
        )
        with suppress(orjson.JSONDecodeError):
            value = orjson.loads(body)
            if too_deep(body, value) is not None or holds_nul(body, value) is not None:
                raise BadRequest("The message is nested too deeply, or holds the NUL character.")
        if agent is not None:
            expect_name(agent)
            async with self._kernel.database.unit(access.scope) as session:
                await definitions.resolve(session, access, agent, None, None)
        from a2a.server.routes.jsonrpc_dispatcher import (  # noqa: PLC0415 - with the first message
            JsonRpcDispatcher,
        )

        from app.agents.a2a.handling import AgentHandler  # noqa: PLC0415 - it loads the SDK

        handler = AgentHandler(self._kernel, self._launcher, access, agent, self._address(scope))
        request = Request(scope, _again(body, receive))
        answer: Response = await JsonRpcDispatcher(handler).handle_requests(request)
        return answer

    def _address(self, scope: Scope) -> str:
        """Where this service is reached: as its operator says, else as the client does."""
        return self._kernel.settings.public_url or str(Request(scope).base_url)

    def _expect(self, method: str, wanted: str) -> None:
        allow = ("GET", "HEAD") if wanted == "GET" else (wanted,)
        if method not in allow:
            raise MethodNotAllowed(f"Use {wanted}.", allow=allow)

    async def _caller(self, scope: Scope, *needed: Permission) -> Access:
        """Raises CredentialMissing, ScopeMissing, and what the resolver and the limits raise."""
        bearer, workspace_id = credentials(scope, dict(scope["headers"]))
        if not bearer:
            await count(scope, self._kernel)
            raise CredentialMissing("Send `Authorization: Bearer <API key>`.")
        access = await resolve_counted(scope, self._kernel, bearer, workspace_id)
        for permission in needed:
            if permission not in access.permissions:
                raise ScopeMissing(f"This call needs the permission `{permission}`.")
        facts = facts_of(Request(scope), "a2a_call")
        current_request.set(replace(facts, access=access))
        return access

    async def _send(self, send: Send, message: Message) -> None:
        try:
            async with asyncio.timeout(self._kernel.settings.slow_reader_seconds):
                await send(message)
        except TimeoutError:
            raise SlowReader from None


def _json(card: object, headers: dict[str, str]) -> Response:
    return Response(orjson.dumps(card), media_type="application/json", headers=headers)


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
