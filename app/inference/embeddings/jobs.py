"""Forgetting kept embeddings that nobody needs."""

from datetime import timedelta
from typing import Final

from app.core.clock import now
from app.core.db import SYSTEM, Database
from app.core.jobs import Job
from app.inference.embeddings import crud

UNUSED: Final = timedelta(days=30)
MOST_A_WORKSPACE: Final = 200_000
AT_ONCE: Final = 2_000


def embedding_cache_job(database: Database, most: int = MOST_A_WORKSPACE) -> Job:
    """Forgets what was not used for UNUSED, and what a workspace has above `most`."""

    async def prune() -> None:
        before = now() - UNUSED
        gone = AT_ONCE
        while gone == AT_ONCE:
            async with database.unit(SYSTEM) as session:
                gone = await crud.prune_unused(session, before, AT_ONCE)
        async with database.unit(SYSTEM) as session:
            crowded = await crud.crowded(session, most)
        for workspace_id, surplus in crowded:
            for start in range(0, surplus, AT_ONCE):
                async with database.unit(SYSTEM) as session:
                    some = min(AT_ONCE, surplus - start)
                    await crud.prune_oldest(session, workspace_id, some)

    return Job("embedding_cache", timedelta(hours=1), prune)
