"""What `luminous users deactivate` and `activate` do."""

import asyncio

from app.cli.errors import CannotServe
from app.cli.migrating import apply_migrations
from app.core.config import Settings
from app.core.db import SYSTEM
from app.identity.access import IdentityResolver
from app.identity.accounts import ending
from app.identity.users.errors import UserNotFound
from app.identity.users.schemas import comparable_email
from app.oversight.audit.writing import audited_kernel


def set_standing(settings: Settings, email: str, *, active: bool) -> None:
    """Open or close an account; a running service follows at once."""
    apply_migrations(settings)
    try:
        asyncio.run(_set(settings, comparable_email(email), active=active))
    except UserNotFound:
        raise CannotServe(f"There is no account of a person with the address {email}.") from None


async def _set(settings: Settings, email: str, *, active: bool) -> None:
    act = ending.reopen if active else ending.close
    async with audited_kernel(settings) as kernel, IdentityResolver(kernel) as resolver:
        kernel.resolver = resolver  # it tells the running processes
        async with kernel.database.unit(SYSTEM) as session:
            await act(session, kernel, email)
