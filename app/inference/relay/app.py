"""The ASGI application behind /openai/v1: no framework, no ORM and no schema on the way."""

from typing import Final
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.auth import Access, Permission
from app.core.errors import AppError, BadRequest, MethodNotAllowed, NotFound, Unauthenticated
from app.core.http.context import add_headers
from app.core.http.guard import ScopeMissing
from app.core.http.measure import ROUTE
from app.core.http.problems import translate
from app.core.http.rate_limits import count, resolve_counted, vendor_headers_of
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.inference.dialects.errors import ModelUnavailable, UpstreamWords
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.inference import Inference
from app.inference.integrations.directory import Target
from app.inference.integrations.errors import ModelUnknown
from app.inference.providers.errors import ProviderError
from app.inference.relay.body import ClientGone, read_body
from app.inference.relay.bytewise import ByteRelay
from app.inference.relay.listing import list_models, read_model
from app.inference.relay.metered import metered
from app.inference.relay.reply import ClientWatch, Reply
from app.inference.relay.translated import Translation
from app.inference.relay.upstream import Upstream

log = get_logger(__name__)

CHAT: Final = OpenAIChat()
PREFIX: Final = "/openai/v1"
COMPLETIONS: Final = "/chat/completions"
MODELS: Final = "/models"


class VendorPaths:
    """Middleware that hands the vendor's paths to `app.state.relay`, ahead of all routing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX + "/"):
            await scope["app"].state.relay(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class RelayApp:
    """`POST /chat/completions`, `GET /models` and `GET /models/{id}` for OpenAI's clients."""

    def __init__(self, kernel: Kernel, inference: Inference) -> None:
        self._kernel = kernel
        self._inference = inference

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = Reply(send, self._kernel.settings.slow_reader_seconds)
        try:
            await self._route(scope, receive, reply)
        except ClientGone:
            return
        except Exception as error:
            if reply.begun:
                raise
            shown = translate(error)
            if shown.status >= 500 and not isinstance(error, AppError):
                log.exception("relay_failed", code=shown.code)
            await refuse(reply, shown)

    async def _route(self, scope: Scope, receive: Receive, reply: Reply) -> None:
        path, method = scope["path"].removeprefix(PREFIX), scope["method"]
        scope[ROUTE] = PREFIX + (path if path in {COMPLETIONS, MODELS} else "/…")
        if path == COMPLETIONS:
            expect(method, "POST", path)
            await self._complete(scope, receive, reply)
            return
        if path != MODELS and not path.startswith(MODELS + "/"):
            raise NotFound(f"Unknown request URL: {method} {PREFIX}{path[:200]}.")
        expect(method, "GET", path)
        access = await self._access(scope, Permission.MODELS_READ)
        if path == MODELS:
            body = await list_models(self._inference.directory, access)
        else:
            name = path.removeprefix(MODELS + "/")
            body = await read_model(self._inference.directory, access, name)
        await reply.json(body)

    async def _complete(self, scope: Scope, receive: Receive, reply: Reply) -> None:
        settings = self._kernel.settings
        access = await self._access(scope, Permission.MODELS_INVOKE)
        ask = CHAT.read(await read_body(scope, receive, settings.max_body_bytes))
        target = await self._target(access, ask.model)
        upstream = Upstream(CHAT, self._inference.transport, settings, target.endpoint)
        request = None if CHAT.passes_bytes_to(target.endpoint) else CHAT.parse(ask, target)
        async with (
            ClientWatch(receive, reply),
            metered(self._inference.ledger, access, target, ask) as meter,
        ):
            try:
                if request is None:
                    await ByteRelay(CHAT, upstream, ask, target.model, meter).serve(reply)
                else:
                    await Translation(CHAT, target, request, ask, meter).serve(reply)
            except ProviderError as error:
                meter.failure = error
                await refuse(reply, error, upstream.words)

    async def _target(self, access: Access, model: str) -> Target:
        try:
            return await self._inference.directory.target(access.workspace_id, model)
        except ModelUnknown:
            raise ModelUnavailable(model) from None

    async def _access(self, scope: Scope, permission: Permission) -> Access:
        bearer, workspace_id = credentials(scope)
        try:
            if not bearer:
                await count(scope, self._kernel)
                raise Unauthenticated(
                    "You didn't provide an API key. Send it in an Authorization header using "
                    "Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
                )
            access = await resolve_counted(scope, self._kernel, bearer, workspace_id)
        finally:
            add_headers(scope, vendor_headers_of(scope))
        if permission not in access.permissions:
            raise ScopeMissing(
                "You have insufficient permissions for this operation. "
                f"Missing scopes: {permission}."
            )
        return access


def credentials(scope: Scope) -> tuple[str, UUID | None]:
    """The bearer credential, and the workspace that a signed-in person chose."""
    bearer, workspace_id = "", None
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            bearer = token.strip() if kind.lower() == "bearer" else ""
        elif name == b"x-workspace-id":
            try:
                workspace_id = UUID(value.decode("latin-1"))
            except ValueError:
                raise BadRequest("X-Workspace-Id is not a UUID.") from None
    return bearer, workspace_id


def expect(method: str, allowed: str, path: str) -> None:
    if method != allowed:
        raise MethodNotAllowed(f"Not allowed to {method} on {PREFIX}{path[:200]}.")


async def refuse(reply: Reply, error: AppError, words: UpstreamWords | None = None) -> None:
    await reply.whole(*CHAT.error_response(error, words))
