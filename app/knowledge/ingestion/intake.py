"""What makes a version of a document found: read, cut, and put in place in one transaction."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.core import restorable
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.core.outbound import Outbound
from app.knowledge.collections import crud, document_crud, file_crud
from app.knowledge.collections.errors import DocumentExists
from app.knowledge.collections.models import Collection, Document, DocumentVersion
from app.knowledge.ingestion.chunking import drafts_of
from app.knowledge.ingestion.errors import (
    DocumentGone,
    FetchFailed,
    IngestionSuperseded,
    UploadTooLarge,
)
from app.knowledge.ingestion.fetching import fetched
from app.knowledge.parsing.document import Parsed, load
from app.knowledge.parsing.limits import ParseLimits
from app.knowledge.parsing.parse import Parsers
from app.knowledge.passages import service as passages
from app.knowledge.passages.draft import Draft, Ready, Subject
from app.knowledge.storage.errors import FileTooLarge
from app.knowledge.storage.files import PIECE_BYTES, Files
from app.runs.events.errors import RunLost
from app.runs.runs import service as runs
from app.runs.runs.context import RunContext

MOST_PARSED_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """The version that is to be found. A run of its own (`is_own`) gives way to a later one."""

    document_id: UUID
    number: int
    is_own: bool = True


class Intake:
    """The way of a document's version from its file to passages, for runs."""

    def __init__(
        self,
        database: Database,
        files: Files,
        outbound: Outbound,
        parsers: Parsers,
        limits: ParseLimits,
    ) -> None:
        self._database = database
        self._files = files
        self._outbound = outbound
        self._parsers = parsers
        self._limits = limits

    async def begin(self, ctx: RunContext, target: Target) -> DocumentVersion:
        """The version, with its document under work; raises DocumentGone, IngestionSuperseded."""
        async with self._database.unit(ctx.scope) as session:
            document, version = await self._held(ctx, session, target)
            document.status = version.status = "processing"
            version.error = None
            return version

    async def fetch(
        self, ctx: RunContext, target: Target, url: str, *, skip_known: bool
    ) -> UUID | None:
        """Store what an address gives as the version's file.

        A document that says the same raises DocumentExists; with `skip_known` this one goes
        instead, and the known one's id is returned.
        """
        version = await self._version(ctx, target)
        if version.size is not None:
            return None
        most = self._limits.file_bytes
        async with fetched(self._outbound, url) as found:
            try:
                stored = await self._files.put(version.file_key, found.pieces, most_bytes=most)
            except FileTooLarge:
                raise UploadTooLarge(f"A document has at most {most} bytes.") from None
        if not stored.size:
            raise FetchFailed("It is empty.")
        async with self._written(ctx, target, version.file_key) as (session, document, version):
            await document_crud.lock_content(session, document.collection_id, stored.sha256)
            known = await document_crud.with_content(
                session, ctx.workspace_id, document.collection_id, stored.sha256
            )
            version.size, version.sha256 = stored.size, stored.sha256
            version.media_type, version.file_name = found.media_type, found.name
            if known is None or known.id == document.id:
                document.size, document.sha256 = stored.size, stored.sha256
                document.media_type = found.media_type
                return None
            if not skip_known:
                raise DocumentExists(known.id)
            document.deleted_at = now()
            return known.id

    async def read(self, ctx: RunContext, target: Target) -> Parsed:
        """The version's text with its structure, parsed once; raises DocumentRefused."""
        version = await self._version(ctx, target)
        if version.parsed:
            dumped = b"".join([piece async for piece in self._files.read(version.parsed_key)])
            return await asyncio.to_thread(load, dumped)
        async with self._files.on_disk(version.file_key) as path:
            parsed = await self._parsers.parse(
                path,
                media_type=version.media_type,
                filename=version.file_name,
                limits=self._limits,
            )
        dumped = await asyncio.to_thread(parsed.dump)
        await self._files.put(version.parsed_key, _pieces(dumped), most_bytes=MOST_PARSED_BYTES)
        async with self._written(ctx, target, version.parsed_key) as (_, document, version):
            version.parsed, version.media_type = True, parsed.media_type
            version.title, version.language = parsed.title, parsed.language
            version.pages, version.characters = parsed.pages, len(parsed.text)
            version.warnings = list(parsed.warnings)
            document.media_type = parsed.media_type
        return parsed

    async def put(self, ctx: RunContext, target: Target, parsed: Parsed) -> int:
        """Have the version found, and no other of its document; returns its passages.

        It is embedded with the collection's model and cut by its rules, whatever they have become
        meanwhile.
        """
        cut: tuple[dict[str, int], Sequence[Draft]] | None = None
        while True:
            async with self._database.unit(ctx.scope) as session:
                # The collection first: its lock is what a change of its model waits for.
                collection = await self._collection(ctx, session, target)
                document, version = await self._held(ctx, session, target)
                rules = collection.chunking
                if cut is not None and cut[0] == rules:
                    await self._place(ctx, session, collection, document, version, cut[1])
                    return len(cut[1])
            title = version.title or document.name
            drafts = await asyncio.to_thread(drafts_of, parsed, rules, title, version.number)
            cut = (rules, drafts)

    async def replace(
        self, ctx: RunContext, target: Target, drafts: Sequence[Draft], ready: Ready
    ) -> None:
        """Put other chunks in the place of a version's, if it is still the one that is found."""
        async with self._database.unit(ctx.scope) as session:
            try:
                collection = await self._collection(ctx, session, target)
                document, version = await self._held(ctx, session, target)
            except DocumentGone:
                return
            if document.current_version == version.number:
                await self._place(ctx, session, collection, document, version, drafts, ready)

    async def _place(
        self,
        ctx: RunContext,
        session: AsyncSession,
        collection: Collection,
        document: Document,
        version: DocumentVersion,
        drafts: Sequence[Draft],
        ready: Ready | None = None,
    ) -> None:
        subject = Subject(
            ctx.workspace_id,
            crud.KIND,
            document.id,
            created_by_id=ctx.user_id,
            parent_id=collection.id,
            embedding_model=collection.embedding_model,
        )
        await passages.put(session, subject, drafts, ready)
        if document.current_version != version.number:
            document.current_version = document.wanted_version = version.number
            document.size, document.sha256 = version.size, version.sha256
            document.media_type = version.media_type
        version.chunks = len(drafts)
        await session.flush()

    async def _collection(
        self, ctx: RunContext, session: AsyncSession, target: Target
    ) -> Collection:
        document = await restorable.find(session, Document, ctx.workspace_id, target.document_id)
        if document is None:
            raise DocumentGone
        found = await crud.lock(session, ctx.workspace_id, document.collection_id, shared=True)
        if found is None:
            raise DocumentGone("Its collection was deleted.")
        return found

    @asynccontextmanager
    async def _written(
        self, ctx: RunContext, target: Target, key: str
    ) -> AsyncIterator[tuple[AsyncSession, Document, DocumentVersion]]:
        """Document and version, held; the file just written goes where they are gone for good."""
        try:
            async with self._database.unit(ctx.scope) as session:
                yield session, *await self._held(ctx, session, target)
        except (DocumentGone, RunLost):
            async with self._database.unit(ctx.scope) as session:
                there = await document_crud.version(
                    session, ctx.workspace_id, target.document_id, target.number
                )
                if there is None:
                    await file_crud.expect(session, ctx.workspace_id, key, timedelta(0))
            raise

    async def _held(
        self, ctx: RunContext, session: AsyncSession, target: Target
    ) -> tuple[Document, DocumentVersion]:
        """Document and version, held, where they are still this run's to change.

        Raises RunLost, DocumentGone and IngestionSuperseded.
        """
        await runs.expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
        document = await restorable.find(
            session, Document, ctx.workspace_id, target.document_id, for_update=True
        )
        version = await document_crud.version(
            session, ctx.workspace_id, target.document_id, target.number
        )
        if document is None or version is None:
            raise DocumentGone
        # As it is now that it is held, whatever this session has seen of it before.
        await session.refresh(document)
        if document.deleted_at is not None:
            raise DocumentGone
        if target.is_own and document.run_id != ctx.run_id:
            raise IngestionSuperseded
        return document, version

    async def _version(self, ctx: RunContext, target: Target) -> DocumentVersion:
        async with self._database.unit(ctx.scope) as session:
            return (await self._held(ctx, session, target))[1]


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]
