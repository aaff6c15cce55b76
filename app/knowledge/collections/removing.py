"""Removing the files that belong to no version (any more)."""

from typing import Final

from app.core.db import SYSTEM, Database
from app.core.log import get_logger
from app.knowledge.collections import file_crud
from app.knowledge.storage.errors import FilesUnavailable
from app.knowledge.storage.files import Files

log = get_logger(__name__)

AT_ONCE: Final = 50


async def remove_files(database: Database, files: Files) -> int:
    """Until none is due; returns how many. While the store is away they wait for the next time."""
    removed = 0
    while True:
        async with database.unit(SYSTEM) as session:
            due = [removal.key for removal in await file_crud.claim_due(session, AT_ONCE)]
        if not due:
            return removed
        try:
            for key in due:
                await files.delete(key)
        except FilesUnavailable as error:
            log.info("files_wait_to_be_removed", reason=error.detail, files=len(due))
            return removed
        async with database.unit(SYSTEM) as session:
            await file_crud.drop(session, due)
        removed += len(due)
