"""Guards: who may call a route. A route without one fails at import."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.core.auth import Access, Permission
from app.core.errors import BadRequest, PermissionDenied, Unauthenticated
from app.core.http.json_route import JsonRoute
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
    return await kernel.resolver.resolve(credentials.credentials, _chosen_workspace(request))


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


def _guards(dependant: Dependant) -> list[Any]:
    own = getattr(dependant.call, "luminous_guard", None)
    return [*([own] if own else []), *(g for d in dependant.dependencies for g in _guards(d))]


class GuardedRoute(JsonRoute):
    """Refuses, at import, an endpoint without a guard."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if not _guards(self.dependant):
            raise UnguardedRoute(f"{path}: {endpoint.__qualname__} has no guard")


def guarded_router(*, prefix: str, tag: str) -> APIRouter:
    """The router of a domain: one tag a resource, every route guarded."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=GuardedRoute)
