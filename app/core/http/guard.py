"""Guards: who may call a route. A route without one fails at import."""

import functools
import inspect
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.params import Depends as DependsOn
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.core import tickets
from app.core.audit import current_request
from app.core.auth import Access, Permission
from app.core.errors import BadRequest, PermissionDenied, Unauthenticated
from app.core.http import csrf
from app.core.http.event_stream import EventStream
from app.core.http.json_route import JsonRoute
from app.core.http.rails import WRITES, current_rails
from app.core.http.rate_limits import SENSITIVE, count, resolve_counted
from app.core.http.riding import rails_behind, take_if_none_match
from app.core.kernel import Kernel

TAKES_TICKETS = "luminous_takes_tickets"
# On a dependency that reads the rails itself: of an upload, which is never whole in memory.
OWN_RAILS = "luminous_own_rails"

_bearer = HTTPBearer(auto_error=False, description="An access token, or an API key (`lum_live_…`).")


class CredentialMissing(Unauthenticated):
    code = "credential_missing"
    title = "No credential"


class ScopeMissing(PermissionDenied):
    code = "scope_missing"
    title = "The credential lacks a permission"


class UnguardedRoute(Exception):
    """A route that says nothing about who may call it."""


def kernel_of(request: Request) -> Kernel:
    kernel: Kernel = request.app.state.kernel
    return kernel


KernelDep = Annotated[Kernel, Depends(kernel_of)]


async def resolve_access(
    request: Request,
    kernel: KernelDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Access:
    """The caller of this request; raises Unauthenticated."""
    bearer = await bearer_of(request, kernel, credentials)
    if bearer:
        workspace_id = _chosen_workspace(request)
    else:
        bearer, workspace_id = await _by_ticket(request, kernel)
    access = await resolve_counted(request.scope, kernel, bearer, workspace_id)
    if (facts := current_request.get()) is not None:
        current_request.set(replace(facts, access=access))
    return access


async def bearer_of(
    request: Request, kernel: Kernel, credentials: HTTPAuthorizationCredentials | None
) -> str | None:
    """The credential in the request's header or cookie; raises CsrfRefused."""
    if credentials is not None and credentials.credentials:
        return credentials.credentials
    try:
        return csrf.access_cookie(request, kernel.settings)
    except csrf.CsrfRefused:
        await count(request.scope, kernel)
        raise


async def _by_ticket(request: Request, kernel: Kernel) -> tuple[str, UUID]:
    """What the ticket of an event stream stands for; raises CredentialMissing without one."""
    ticket = request.query_params.get(tickets.PARAMETER)
    if not ticket or not getattr(request.scope.get("route"), TAKES_TICKETS, False):
        await count(request.scope, kernel)
        raise CredentialMissing("Send `Authorization: Bearer <access token or API key>`.")
    try:
        held = await tickets.redeem(kernel, ticket, request.url.path)
    except tickets.TicketInvalid:
        await count(request.scope, kernel)
        raise
    return held.bearer, held.workspace_id


def _chosen_workspace(request: Request) -> UUID | None:
    value = request.headers.get("x-workspace-id")
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise BadRequest("X-Workspace-Id is not a UUID.") from None


Caller = Annotated[Access, Depends(resolve_access)]


async def _presented(
    request: Request,
    kernel: KernelDep,
    _: Caller,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> str:
    bearer = await bearer_of(request, kernel, credentials)
    if bearer is None:
        raise CredentialMissing
    return bearer


BearerDep = Annotated[str, Depends(_presented)]
"""The credential itself, of a caller who was let in by it."""


def require(*permissions: Permission) -> Any:
    """The guard `Annotated[Access, require(Permission.X)]`; all that are named are needed."""

    async def guard(access: Caller) -> Access:
        for permission in permissions:
            if permission not in access.permissions:
                raise ScopeMissing(f"This call needs the permission `{permission}`.")
        return access

    guard.__dict__["luminous_guard"] = permissions
    return Depends(guard)


async def _anyone(request: Request, kernel: KernelDep) -> None:
    """The guard of a route that needs no credential; said out loud."""
    await count(request.scope, kernel)


async def _operator() -> None:
    """The guard of what watches the service: open to all, and never counted."""


_anyone.__dict__["luminous_guard"] = "public"
_operator.__dict__["luminous_guard"] = "public"

public = Depends(_anyone)
public_uncounted = Depends(_operator)


@functools.cache
def _called(dependency: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """A dependency and those it needs, the outermost first.

    FastAPI would say it too, and takes ten times as long: it reads each anew for each route.
    """
    found = [dependency]
    for parameter in inspect.signature(dependency, eval_str=True).parameters.values():
        held = (*getattr(parameter.annotation, "__metadata__", ()), parameter.default)
        for needed in held:
            if isinstance(needed, DependsOn) and needed.dependency is not None:
                found += _called(needed.dependency)
    return tuple(found)


class GuardedRoute(JsonRoute):
    """Refuses, at import, an endpoint without a guard; puts the rails behind the guard."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        own = list(options.pop("dependencies", None) or [])
        called = [*_called(endpoint), *(call for each in own for call in _called(each.dependency))]

        def marked(mark: str) -> list[Callable[..., Any]]:
            return [call for call in called if getattr(call, mark, None) is not None]

        setattr(self, SENSITIVE, bool(marked(SENSITIVE)))
        guards = marked("luminous_guard")
        if not guards:
            raise UnguardedRoute(f"{path}: {endpoint.__qualname__} has no guard")
        method = next(iter(options.get("methods") or {"GET"}))
        streams = method == "GET" and _is_stream(options.get("response_class"))
        setattr(self, TAKES_TICKETS, streams)
        if streams:
            own.append(Depends(take_ticket))
        model = _answer_model(endpoint, options.get("response_model"))
        versioned = "version" in model
        laid = marked("luminous_off_rails") or marked(OWN_RAILS)
        if method in WRITES and not laid:
            own.append(rails_behind(guards[0], method))
        elif method == "GET" and versioned:
            own.append(Depends(take_if_none_match))
        shown = _note_shown(endpoint) if versioned or "next_cursor" in model else endpoint
        super().__init__(path, shown, dependencies=own, **options)


async def take_ticket(
    _: Annotated[
        str | None,
        Query(
            alias=tickets.PARAMETER,
            max_length=100,
            description="A ticket of `/v1/stream-tickets`, where no header can be sent.",
        ),
    ] = None,
) -> None:
    """Documents the parameter; `resolve_access` reads it."""


def _is_stream(response_class: object) -> bool:
    return isinstance(response_class, type) and issubclass(response_class, EventStream)


def _answer_model(endpoint: Callable[..., Any], model: Any) -> Collection[str]:
    """The names of the fields of what a route answers."""
    if not isinstance(model, type):
        model = inspect.signature(endpoint).return_annotation
    return getattr(model, "model_fields", ()) if isinstance(model, type) else ()


def _note_shown(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint, with the request's rails told what the answer's head needs of its result."""

    @functools.wraps(endpoint)
    async def noting(**arguments: Any) -> Any:
        result = await endpoint(**arguments)
        rails = current_rails.get()
        if rails is not None:
            rails.shown_version = getattr(result, "version", None)
            rails.next_cursor = getattr(result, "next_cursor", None)
        return result

    return noting


def guarded_router(*, prefix: str, tag: str) -> APIRouter:
    """The router of a domain: one tag a resource, every route guarded."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=GuardedRoute)
