"""Invitations that ended long ago are forgotten, with the addresses they were mailed to."""

from datetime import timedelta

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.identity.invitations import crud


def invitations_job(kernel: Kernel) -> Job:
    """The job that forgets invitations thirty days after their end."""

    async def forget() -> None:
        async with kernel.database.unit(SYSTEM) as session:
            await crud.forget_ended(session, now() - RESTORABLE)

    return Job("invitations", timedelta(hours=6), forget)
