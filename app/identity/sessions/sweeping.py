"""The job that deletes sessions which ended a month ago, and with them their tokens.

That is the longest; the retention policy of a person's workspace may shorten it.
"""

from datetime import timedelta
from typing import Final

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.identity.sessions import crud
from app.oversight.privacy.retention.schemas import SESSION_DAYS

KEPT: Final = timedelta(days=SESSION_DAYS)
BATCH: Final = 1000


def sessions_job(kernel: Kernel) -> Job:
    """Deletes dead sessions, batch by batch."""

    async def sweep() -> None:
        gone = BATCH
        while gone == BATCH:
            async with kernel.database.unit(SYSTEM) as session:
                gone = await crud.delete_dead(session, now() - KEPT, BATCH)

    return Job("sessions", timedelta(hours=1), sweep)
