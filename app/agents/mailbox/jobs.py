"""What is done with messages that nobody reads any more."""

from datetime import timedelta
from typing import Final

from app.agents.mailbox import queue_crud
from app.core.clock import now
from app.core.db import SYSTEM, Database
from app.core.jobs import Job

ACKED_KEPT: Final = timedelta(days=7)
DEAD_KEPT: Final = timedelta(days=30)
AT_ONCE: Final = 500


def mailboxes_job(database: Database) -> Job:
    """Make dead letters of what has expired, and delete what ended long ago."""

    async def act() -> None:
        moved = AT_ONCE
        while moved == AT_ONCE:
            async with database.unit(SYSTEM) as session:
                moved = await queue_crud.bury_expired(session, now())
        gone = AT_ONCE
        while gone == AT_ONCE:
            async with database.unit(SYSTEM) as session:
                at = now()
                gone = await queue_crud.prune(
                    session, acked_before=at - ACKED_KEPT, dead_before=at - DEAD_KEPT
                )

    return Job("mailboxes", timedelta(seconds=30), act)
