"""Statements that wait for a lock, as Postgres tells it."""

import asyncio

from sqlalchemy import text

from app.core.db import sync_engine

WAITING = text(
    "select count(*) from pg_stat_activity where datname = current_database() "
    "and strpos(query, :words) > 0 and cardinality(pg_blocking_pids(pid)) > 0"
)


async def waits(kernel, words):
    """Until a statement with these words waits for what another transaction holds."""
    url = kernel.settings.database_url.get_secret_value()
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(_waiting, url, words):  # noqa: ASYNC110 - Postgres says it
            await asyncio.sleep(0.01)


def _waiting(url, words):
    with sync_engine(url).begin() as owner:
        return owner.scalar(WAITING, {"words": words})
