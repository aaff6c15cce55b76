"""What was carried into windows of budgets that are long over is forgotten."""

from datetime import timedelta

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.inference.budgets import crud

# Longer than any window but a total, in any time zone.
LONGEST_WINDOW = timedelta(days=33)


def budget_carries_job(kernel: Kernel) -> Job:
    """The job that forgets them."""

    async def forget() -> None:
        async with kernel.database.unit(SYSTEM) as session:
            await crud.drop_past_carries(session, now() - LONGEST_WINDOW)

    return Job("budget_carries", timedelta(hours=6), forget)
