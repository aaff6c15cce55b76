"""Dictionaries and entries whose time to be restored is over are deleted for good."""

from datetime import timedelta

from app.core.db import Database
from app.core.jobs import Job
from app.core.purging import expired_before, purge
from app.knowledge.dictionary.dictionaries import crud
from app.knowledge.dictionary.models import Dictionary, Entry


def dictionaries_job(database: Database) -> Job:
    """The job that does it; a trigger has the passages of entries go, too.

    Entries go first, a few at a time: a dictionary may have too many for one transaction.
    """

    async def act() -> None:
        before = expired_before()
        for rule in crud.expired_entries(before):
            await purge(database, Entry, rule)
        await purge(database, Dictionary, Dictionary.deleted_at < before)

    return Job("dictionaries", timedelta(hours=6), act)
