"""The guard of what only a signed-in person may do: never a key."""

from typing import Annotated, Any

from fastapi import Depends

from app.core.auth import Access, Permission
from app.core.http.guard import require
from app.identity.sessions.errors import SessionRequired


def require_session(permission: Permission) -> Any:
    """The guard `Annotated[Access, require_session(Permission.X)]`."""

    async def guard(access: Annotated[Access, require(permission)]) -> Access:
        if access.credential != "session":
            raise SessionRequired("Sign in and use an access token: an API key does not do.")
        return access

    guard.__dict__["luminous_guard"] = (permission,)
    return Depends(guard)
