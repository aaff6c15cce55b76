"""What was deleted too long ago to be restored is deleted for good, with all that hangs on it."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, select

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM, Database
from app.core.jobs import Job
from app.core.restorable import Restorable

# A restoration that began in time is over by then.
MARGIN: Final = timedelta(hours=1)
AT_ONCE: Final = 50


def purging_job(database: Database, *kinds: type[Restorable]) -> Job:
    """The job that does it, a few rows in a transaction."""

    async def act() -> None:
        before = expired_before()
        for kind in kinds:
            await purge(database, kind, kind.deleted_at < before)

    return Job("purging", timedelta(hours=6), act)


def expired_before() -> datetime:
    """What was deleted before then cannot be restored any more."""
    return now() - RESTORABLE - MARGIN


async def purge(database: Database, kind: type[Restorable], rule: ColumnElement[bool]) -> None:
    """Delete what a rule holds for, a few rows in a transaction."""
    some = select(kind.id).where(rule).limit(AT_ONCE)
    deleted = AT_ONCE
    while deleted == AT_ONCE:
        async with database.unit(SYSTEM) as session:
            gone = await session.scalars(delete(kind).where(kind.id.in_(some)).returning(kind.id))
            deleted = len(gone.all())
