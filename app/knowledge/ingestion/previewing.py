"""Chunk rules, tried on a document; nothing is stored."""

import asyncio
from uuid import UUID

from app.core.auth import Access
from app.core.db import Database
from app.knowledge.collections import documents
from app.knowledge.collections import service as collections
from app.knowledge.collections.errors import DocumentNotFound
from app.knowledge.ingestion.chunking import drafts_of
from app.knowledge.ingestion.schemas import ChunkPreview, ChunkPreviewRequest, PreviewedChunk
from app.knowledge.parsing.document import load
from app.knowledge.passages.draft import Draft
from app.knowledge.storage.files import Files


async def preview(
    database: Database,
    files: Files,
    access: Access,
    collection_id: UUID,
    wanted: ChunkPreviewRequest,
) -> ChunkPreview:
    """Raises CollectionNotFound, DocumentNotFound, DocumentNotReady and TooManyChunks."""
    async with database.unit(access.scope) as session:
        await collections.get(session, access, collection_id)
        document = await documents.get(session, access, wanted.document_id)
        if document.collection_id != collection_id:
            raise DocumentNotFound
        version = await documents.read(session, access, document.id, None)
    dumped = b"".join([piece async for piece in files.read(version.parsed_key)])
    rules = wanted.chunking.model_dump()

    def cut() -> list[Draft]:
        return drafts_of(load(dumped), rules, document.name, version.number)

    drafts = await asyncio.to_thread(cut)
    shown = [_shown(ordinal, draft) for ordinal, draft in enumerate(drafts[: wanted.limit])]
    return ChunkPreview(total=len(drafts), data=shown)


def _shown(ordinal: int, draft: Draft) -> PreviewedChunk:
    return PreviewedChunk(
        ordinal=ordinal,
        heading=draft.heading,
        page=draft.locator["page"],
        start=draft.locator["start"],
        end=draft.locator["end"],
        text=draft.text,
    )
