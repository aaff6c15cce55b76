"""Guards: who may call a route. A route without one fails at import."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant, get_parameterless_sub_dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.core.audit import current_request
from app.core.auth import Access, Permission
from app.core.errors import BadRequest, PermissionDenied, Unauthenticated
from app.core.http.json_route import JsonRoute
from app.core.http.rails import WRITES, current_rails, rails_behind, take_if_none_match
from app.core.kernel import Kernel

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
    if credentials is None or not credentials.credentials:
        raise CredentialMissing("Send `Authorization: Bearer <access token or API key>`.")
    if kernel.resolver is None:
        raise Unauthenticated
    access = await kernel.resolver.resolve(credentials.credentials, _chosen_workspace(request))
    if (facts := current_request.get()) is not None:
        current_request.set(replace(facts, access=access))
    return access


def _chosen_workspace(request: Request) -> UUID | None:
    value = request.headers.get("x-workspace-id")
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        raise BadRequest("X-Workspace-Id is not a UUID.") from None


Caller = Annotated[Access, Depends(resolve_access)]


def require(*permissions: Permission) -> Any:
    """The guard `Annotated[Access, require(Permission.X)]`; all that are named are needed."""

    async def guard(access: Caller) -> Access:
        for permission in permissions:
            if permission not in access.permissions:
                raise ScopeMissing(f"This call needs the permission `{permission}`.")
        return access

    guard.__dict__["luminous_guard"] = permissions
    return Depends(guard)


async def _anyone() -> None:
    """The guard of a route that needs no credential; said out loud."""


_anyone.__dict__["luminous_guard"] = "public"

public = Depends(_anyone)


def _marked(dependant: Dependant, mark: str) -> list[Any]:
    """The dependencies that carry a mark, the outermost first."""
    own = [dependant.call] if getattr(dependant.call, mark, None) is not None else []
    return [*own, *(found for d in dependant.dependencies for found in _marked(d, mark))]


class GuardedRoute(JsonRoute):
    """Refuses, at import, an endpoint without a guard; puts the rails behind the guard."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        own = list(options.pop("dependencies", None) or [])
        bare = get_dependant(path=path, call=endpoint)
        for dependency in own:
            bare.dependencies.append(get_parameterless_sub_dependant(depends=dependency, path=path))
        guards = _marked(bare, "luminous_guard")
        if not guards:
            raise UnguardedRoute(f"{path}: {endpoint.__qualname__} has no guard")
        method = next(iter(options.get("methods") or {"GET"}))
        versioned = _shows_version(endpoint, options.get("response_model"))
        if method in WRITES and not _marked(bare, "luminous_off_rails"):
            own.append(rails_behind(guards[0], method))
        elif method == "GET" and versioned:
            own.append(Depends(take_if_none_match))
        shown = _note_version(endpoint) if versioned else endpoint
        super().__init__(path, shown, dependencies=own, **options)


def _shows_version(endpoint: Callable[..., Any], model: Any) -> bool:
    """Whether what a route answers is one resource with a version."""
    if not isinstance(model, type):
        model = inspect.signature(endpoint).return_annotation
    return isinstance(model, type) and "version" in getattr(model, "model_fields", ())


def _note_version(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint, with the version of what it returns told to the request's rails."""

    @functools.wraps(endpoint)
    async def noting(**arguments: Any) -> Any:
        result = await endpoint(**arguments)
        rails = current_rails.get()
        if rails is not None:
            rails.shown_version = getattr(result, "version", None)
        return result

    return noting


def guarded_router(*, prefix: str, tag: str) -> APIRouter:
    """The router of a domain: one tag a resource, every route guarded."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=GuardedRoute)
