"""What becomes of memories by themselves: those whose time is up are forgotten."""

from datetime import timedelta
from typing import Final

from app.agents.memory import finding_crud as crud
from app.core.db import Database
from app.core.jobs import Job

AT_ONCE: Final = 200


def memories_job(database: Database) -> Job:
    """Expired ones are recalled no more before it runs; after 30 days they are purged."""

    async def run() -> None:
        while await crud.expire(database, AT_ONCE) == AT_ONCE:
            pass

    return Job("memories", timedelta(minutes=15), run)
