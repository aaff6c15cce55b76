"""What time does to accounts: those deleted a month ago are erased, and spent tokens forgotten."""

from datetime import timedelta
from typing import Final

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM, Database
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.identity.accounts import ending
from app.identity.users import crud as users

EVERY: Final = timedelta(hours=1)
TOKENS_KEPT: Final = timedelta(days=1)


def accounts_job(kernel: Kernel) -> Job:
    """Asks for the erasure of accounts that can no longer be restored, and forgets spent tokens."""

    async def run() -> None:
        await erase_unrestorable(kernel.database)
        async with kernel.database.unit(SYSTEM) as session:
            await users.prune_tokens(session, now() - TOKENS_KEPT)

    return Job("accounts", EVERY, run)


async def erase_unrestorable(database: Database) -> None:
    """Ask for the erasure of everyone whose account was deleted too long ago, in batches."""
    asked = True
    while asked:
        async with database.unit(SYSTEM) as session:
            asked = await ending.erase_some(session, now() - RESTORABLE)
