"""Customers who were deleted are forgotten once they cannot be restored."""

from datetime import timedelta

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.inference.customers import crud


def customers_job(kernel: Kernel) -> Job:
    """The job that forgets deleted customers after thirty days."""

    async def forget() -> None:
        async with kernel.database.unit(SYSTEM) as session:
            await crud.forget_deleted(session, now() - RESTORABLE)

    return Job("customers", timedelta(hours=6), forget)
