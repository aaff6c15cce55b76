"""The guards of what only a signed-in person may do, or only one who proved themselves lately."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends

from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.http.guard import KernelDep, require
from app.identity.factors import service as factors
from app.identity.sessions.errors import SessionRequired, StepUpRequired

RECENT = timedelta(minutes=10)


def require_session(permission: Permission) -> Any:
    """The guard `Annotated[Access, require_session(Permission.X)]`: never a key."""

    async def guard(access: Annotated[Access, require(permission)]) -> Access:
        if access.credential != "session":
            raise SessionRequired("Sign in and use an access token: an API key does not do.")
        return access

    guard.__dict__["luminous_guard"] = (permission,)
    return Depends(guard)


def require_recent(permission: Permission) -> Any:
    """The guard `Annotated[Access, require_recent(Permission.X)]` of dangerous operations.

    It lets a session pass that proved itself within ten minutes, with the second factor where the
    account has one; others are told which methods `/v1/auth/step-up` takes of them.
    """

    async def guard(
        access: Annotated[Access, require_session(permission)], kernel: KernelDep
    ) -> Access:
        async with kernel.database.unit(access.scope) as session:
            methods = await factors.methods(session, access.user_id)
        proved_at = access.authenticated_at
        recent = proved_at is not None and proved_at > now() - RECENT
        if not recent or (factors.has_second(methods) and not access.second_factor):
            raise StepUpRequired(methods)
        return access

    guard.__dict__["luminous_guard"] = (permission,)
    return Depends(guard)
