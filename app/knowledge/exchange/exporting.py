"""A dictionary as a file, written while it is sent: no more of it is in memory than a page."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession, Database
from app.knowledge.dictionary.store import entries_after
from app.knowledge.exchange import entries_crud
from app.knowledge.exchange.concept import Concept, Head
from app.knowledge.exchange.drafts import of_entry, only
from app.knowledge.exchange.formats.table import FORMATS
from app.knowledge.exchange.schemas import ExportQuery

PAGE: Final = 200


async def pieces(
    database: Database, access: Access, dictionary_id: UUID, head: Head, query: ExportQuery
) -> AsyncIterator[bytes]:
    """The file, a page of entries at a time, each read in a transaction of its own."""
    writer = FORMATS[query.format].writer()
    yield writer.start(head)
    languages, after = frozenset(query.languages or ()), None
    while True:
        async with database.unit(access.scope) as session:
            found = await entries_after(
                session,
                access.workspace_id,
                dictionary_id,
                after=after,
                limit=PAGE,
                statuses=query.status,
            )
            concepts = [each for kept in found if (each := only(of_entry(kept), languages))]
            # Of an export of some languages it is not known which entries it has.
            known = (
                set()
                if languages
                else await _known(session, access, dictionary_id, concepts, query.status)
            )
        if not found:
            break
        after = found[-1].id
        if concepts:
            yield await asyncio.to_thread(writer.page, concepts, known)
    yield writer.end()


async def _known(
    session: AsyncSession,
    access: Access,
    dictionary_id: UUID,
    concepts: Sequence[Concept],
    statuses: Sequence[str] | None,
) -> Collection[str]:
    """Which of the entries that these lead to are in the export."""
    leads_to = {
        UUID(each.target) for concept in concepts for each in concept.relations if each.target
    }
    if not leads_to:
        return ()
    return await entries_crud.exported(
        session, access.workspace_id, dictionary_id, leads_to, statuses
    )
