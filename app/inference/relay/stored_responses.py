"""Responses that a provider keeps: looked up, deleted and cancelled where they were made."""

import re
from typing import Final

from starlette.types import Scope

from app.core.auth import Access, Permission
from app.core.errors import BadRequest, PermissionDenied
from app.inference.dialects.dialect import Dialect
from app.inference.dialects.errors import ResponseNotFound
from app.inference.dialects.framing import FrameCutter
from app.inference.integrations.directory import Endpoint
from app.inference.providers.opening import expect_success
from app.inference.providers.registry import KINDS
from app.inference.providers.transport import Exchange
from app.inference.relay.responses import SealedIds, owner_of
from app.inference.relay.visit import Visit
from app.inference.relay.wishes import read_wishes
from app.inference.routing.names import fits
from app.inference.usage.payer import Payer

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")
QUERY: Final = re.compile(r"[A-Za-z0-9_.=&%\[\]-]{0,512}")
EVENTS: Final = "text/event-stream"


class ResponseGuarded(PermissionDenied):
    """What a provider keeps is out of the reach of the workspace's guardrails."""

    code = "response_guarded"
    title = "Guardrails stand before stored responses"


class StoredResponse:
    """`after` is what follows the id in the address (`/cancel`).

    It goes to the integration that the route header names, or to the only one that there is.
    """

    def __init__(self, dialect: Dialect, method: str, after: str = "") -> None:
        self._dialect = dialect
        self._method = method
        self._after = after

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.MODELS_INVOKE, "chat")
        name = visit.parameters["response"]
        owner = owner_of(visit, access, read_wishes(visit.headers).customer)
        kept = owner.unseal(name) if IDENTIFIER.fullmatch(name) else None
        if kept is None:
            raise ResponseNotFound(name)
        await expect_unguarded(visit, access)
        endpoint = await self._endpoint(visit, access, name)
        visit.reply.shape = SealedIds(owner, kept.customer)
        base = self._dialect.upstream_url(endpoint, "", streaming=False)
        head, _, query = base.partition("?")
        more = "&".join(filter(None, (query, query_of(visit.scope))))
        url = f"{head}/{kept.name}{self._after}" + (f"?{more}" if more else "")
        with visit.watch():
            exchange = await self._open(visit, endpoint, url)
            try:
                await pass_on(exchange, visit)
            finally:
                exchange.close()

    async def _endpoint(self, visit: Visit, access: Access, name: str) -> Endpoint:
        route = read_wishes(visit.headers).route
        slug = route.partition("/")[0] if route else None
        found = [
            endpoint
            for endpoint in await visit.inference.directory.endpoints(access.workspace_id)
            if self._dialect.passes_bytes_to(endpoint)
            and slug in (None, endpoint.slug)
            and may_use(access, endpoint)
        ]
        if not found:
            raise ResponseNotFound(
                name, ": they are kept by providers that speak this API, and none is connected."
            )
        if len(found) > 1:
            names = ", ".join(endpoint.slug for endpoint in found)
            raise ResponseNotFound(
                name, f": it may be with any of {names}; name one in the header X-Luminous-Route."
            )
        return found[0]

    async def _open(self, visit: Visit, endpoint: Endpoint, url: str) -> Exchange:
        kind = KINDS[endpoint.kind]
        exchange = await visit.inference.transport.open(
            self._method,
            url,
            headers=kind.codec(endpoint.base_url).headers(endpoint.api_key),
            provider=kind.label,
            allow_private=endpoint.allow_private,
        )
        await expect_success(exchange, kind.label, endpoint.api_key, quoted=True)
        return exchange


def may_use(access: Access, endpoint: Endpoint) -> bool:
    """Whether the caller's key is for any model of the integration."""
    bounds = access.rules.models
    return bounds is None or any(
        bound.startswith(f"{endpoint.slug}/")
        or any(fits(bound, endpoint.slug, str(model["name"])) for model in endpoint.models)
        for bound in bounds
    )


async def expect_unguarded(visit: Visit, access: Access) -> None:
    """What a provider has kept never went through guardrails: those under them do not get it."""
    payer = Payer(
        access.workspace_id,
        access.user_id,
        "gateway",
        api_key_id=access.api_key_id,
        tags=access.rules.tags,
    )
    guard = await visit.inference.guardrails.of(payer)
    if guard is not None and guard.needs_events:
        raise ResponseGuarded("Ask again for an answer, which is checked, with `store` off.")


async def pass_on(exchange: Exchange, visit: Visit) -> None:
    if not exchange.headers.get("content-type", "").startswith(EVENTS):
        await visit.reply.json(await exchange.read_body())
        return
    cutter = FrameCutter()
    while chunk := await exchange.read_chunk():
        if block := cutter.feed(chunk):
            await visit.reply.stream(block)
    await visit.reply.stream(cutter.held, more=False)


def query_of(scope: Scope) -> str:
    """The client's query (`stream`, `starting_after`, `include[]`); raises BadRequest."""
    query = str(scope.get("query_string", b"").decode("latin-1"))
    if not QUERY.fullmatch(query):
        raise BadRequest("The query holds characters that none of its parameters has.")
    return query
