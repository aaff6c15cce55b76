"""Retention: rows past their time leave from the start of a chain, by a signed checkpoint."""

from datetime import timedelta
from uuid import UUID

from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import SYSTEM, Database
from app.core.jobs import Job
from app.oversight.audit import crud
from app.oversight.audit.checkpoints import make_checkpoint

AT_ONCE = 5000  # rows in one transaction


def retention_job(database: Database, vault: Vault, days: int) -> Job:
    """The job that removes the rows that are older than `days`."""

    async def prune() -> None:
        before = now() - timedelta(days=days)
        async with database.unit(SYSTEM) as session:
            found = await crud.chains_older_than(session, before)
        for workspace_id in found:
            while await prune_chain(database, vault, workspace_id, older_than_days=days):
                pass

    return Job("audit retention", timedelta(hours=6), prune)


async def prune_chain(
    database: Database, vault: Vault, workspace_id: UUID, *, older_than_days: int
) -> int:
    """Remove the first rows of a chain, up to a bound; how many there were."""
    before = now() - timedelta(days=older_than_days)
    async with database.unit(SYSTEM) as session:
        await crud.lock_checkpoints(session, workspace_id)
        last = await crud.last_to_prune(session, workspace_id, before, AT_ONCE)
        if last is None:
            return 0
        licence = await make_checkpoint(
            session, vault, workspace_id, "prune", count=last.sequence, head=last.hash
        )
        return await crud.prune(session, licence.id)
