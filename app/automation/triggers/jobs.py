"""What triggers do by themselves."""

from datetime import timedelta
from typing import Final

from app.automation.engine.starting import Starter
from app.automation.triggers import deliveries_crud
from app.automation.triggers.firing import Firing
from app.automation.triggers.ticking import Ticker
from app.core.clock import now
from app.core.db import SYSTEM, Database
from app.core.jobs import Job
from app.core.kernel import Kernel

AT_ONCE: Final = 1000


def triggers_jobs(kernel: Kernel, starter: Starter) -> tuple[Job, ...]:
    """Look at the clock, start what came, and forget what came long ago."""
    return (
        Ticker(kernel).job(),
        Firing(kernel, starter).job(),
        Job("workflow-deliveries-pruning", timedelta(hours=1), lambda: prune(kernel.database)),
    )


async def prune(database: Database) -> None:
    gone = AT_ONCE
    while gone == AT_ONCE:
        async with database.unit(SYSTEM) as session:
            before = now() - deliveries_crud.KEPT_FOR
            gone = await deliveries_crud.prune(session, before, AT_ONCE)
