"""Connections that Postgres ends in the middle of what is asked by them."""

import asyncio

from sqlalchemy import Executable, TextClause, text

from app.core.db import sync_engine


def end_who_waits(url):
    """Close the connections of those who wait for a lock; which they were."""
    engine = sync_engine(url)
    with engine.begin() as owner:
        ended = text(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0"
        )
        return owner.execute(ended).all()


def end_connection(kernel, pid):
    url = kernel.settings.database_url.get_secret_value()
    with sync_engine(url).begin() as owner:
        owner.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def locking(table: str, mode: str = "exclusive") -> TextClause:
    """`exclusive` lets others read; `access exclusive` does not."""
    return text(f"lock table {table} in {mode} mode")


async def cut_off(kernel, held: Executable, act):
    """What `act` gives, whose connection Postgres ends when it first waits for what is held."""
    url = kernel.settings.database_url.get_secret_value()
    with sync_engine(url).begin() as holding:
        holding.execute(held)
        acting = asyncio.create_task(act)
        while not await asyncio.to_thread(end_who_waits, url):
            assert not acting.done(), acting.result()
            await asyncio.sleep(0.01)
    return await asyncio.wait_for(acting, 20)
