"""The documents of a workspace, as whoever runs the agent may read them."""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.agents.tools.tool import ToolFault
from app.core.auth import Access, Permission
from app.core.db import AsyncSession, Database
from app.core.errors import AppError
from app.core.paging import Cursors
from app.knowledge.collections import documents
from app.knowledge.collections import service as collections
from app.knowledge.collections.document_schemas import DocumentQuery
from app.knowledge.collections.models import Collection, Document, DocumentVersion
from app.knowledge.collections.schemas import CollectionQuery
from app.knowledge.parsing.document import Parsed, load
from app.knowledge.storage.files import Files

MOST_COLLECTIONS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Documents:
    """Reads under the caller's own rights; every method raises ToolFault where they lack them."""

    database: Database
    files: Files
    cursors: Cursors

    async def collections(self, access: Access, only: frozenset[str]) -> list[Collection]:
        """Those that the caller sees, newest first; `only` are slugs or ids, empty for all."""
        _expect(access)
        async with self.database.unit(access.scope) as session:
            query: CollectionQuery | None = CollectionQuery(limit=200)
            seen: list[Collection] = []
            while query is not None and len(seen) < MOST_COLLECTIONS:
                page = await collections.page(session, access, query, self.cursors)
                seen += page.data
                more = page.next_cursor
                query = CollectionQuery(limit=200, cursor=more) if more else None
        return [each for each in seen if not only or {each.slug, str(each.id)} & only]

    async def list(
        self, access: Access, collection: Collection, name: str | None, most: int
    ) -> list[Document]:
        """Newest first, those whose name has `name` in it."""
        async with self.database.unit(access.scope) as session:
            query = DocumentQuery(limit=most, name=name)
            page = await documents.page(session, access, collection.id, query, self.cursors)
        return list(page.data)

    async def text(
        self, access: Access, document_id: UUID, only: frozenset[str]
    ) -> tuple[DocumentVersion, Parsed]:
        """What a document says, in the version that is found; raises what `documents.read` does."""
        _expect(access)
        async with self.database.unit(access.scope) as session:
            version = await documents.read(session, access, document_id, None)
            await _expect_among(session, access, document_id, only)
        dumped = b"".join([piece async for piece in self.files.read(version.parsed_key)])
        return version, await asyncio.to_thread(load, dumped)

    async def file(
        self, access: Access, document_id: UUID, most: int, only: frozenset[str]
    ) -> tuple[str, bytes]:
        """Name and bytes of a document's file; raises ToolFault where it has more than `most`."""
        _expect(access)
        try:
            async with self.database.unit(access.scope) as session:
                version = await documents.original(session, access, document_id, None)
                await _expect_among(session, access, document_id, only)
            if (version.size or 0) > most:
                raise ToolFault("too_large", f"{version.file_name} has {version.size} bytes.")
            pieces = [piece async for piece in self.files.read(version.file_key)]
        except AppError as error:
            raise ToolFault(error.code, error.detail) from None
        return version.file_name, b"".join(pieces)


async def _expect_among(
    session: AsyncSession, access: Access, document_id: UUID, only: frozenset[str]
) -> None:
    """Raises ToolFault for a document of another collection than these."""
    if not only:
        return
    document = await documents.get(session, access, document_id)
    found = await collections.get(session, access, document.collection_id)
    if not {found.slug, str(found.id)} & only:
        raise ToolFault("document_not_found", "There is no such document.")


def _expect(access: Access) -> None:
    if Permission.COLLECTIONS_READ not in access.permissions:
        raise ToolFault("permission_denied", "It takes the permission collections:read.")
