"""Documents whose time to be restored is over are deleted for good, and their files with them."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from app.core.clock import now
from app.core.db import RESTORABLE, SYSTEM, AsyncSession, Database
from app.core.jobs import Job
from app.knowledge.collections import crud, document_crud, snapshot_crud
from app.knowledge.collections.removing import remove_files
from app.knowledge.storage.files import Files

JOB: Final = "documents"
# A restoration that began in time is over by then.
MARGIN: Final = timedelta(hours=1)
# Each of them may have thousands of passages, and a statement has half a minute.
AT_ONCE: Final = 10

Expire = Callable[[AsyncSession, datetime, int], Awaitable[int]]


def documents_job(database: Database, files: Files) -> Job:
    """The job that purges, and removes files that belong to no version (any more)."""

    async def act() -> None:
        before = now() - RESTORABLE - MARGIN
        expired: tuple[Expire, ...] = (
            document_crud.delete_expired,
            snapshot_crud.delete_expired,
            crud.delete_expired,
        )
        for delete in expired:
            await purge(database, delete, before)
        await remove_files(database, files)

    return Job(JOB, timedelta(minutes=10), act)


async def purge(database: Database, delete: Expire, before: datetime) -> None:
    """A few in a transaction; triggers have their passages, vectors and files go too."""
    deleted = AT_ONCE
    while deleted == AT_ONCE:
        async with database.unit(SYSTEM) as session:
            deleted = await delete(session, before, AT_ONCE)
