"""Files that other rooms of the service make, taken into collections as uploads are."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import anyio

from app.core.auth import Access
from app.core.db import AsyncSession, Database, on_commit
from app.core.ids import new_id
from app.knowledge.collections import file_crud
from app.knowledge.collections.models import Document
from app.knowledge.ingestion import service
from app.knowledge.ingestion.errors import UploadTooLarge
from app.knowledge.ingestion.naming import file_name, media_type, original_key
from app.knowledge.ingestion.service import File, OnDuplicate
from app.knowledge.ingestion.starting import Starter
from app.knowledge.parsing.errors import DocumentEmpty
from app.knowledge.storage.errors import FilesUnavailable, FileTooLarge
from app.knowledge.storage.files import Files
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run


@dataclass(frozen=True, slots=True)
class NewFile:
    """What is to become a document, or a version of one."""

    name: str
    media_type: str
    content: bytes
    metadata: dict[str, Any] = field(default_factory=dict)


class Writing:
    """Writes files under a caller's own rights; one has at most `most_bytes`."""

    def __init__(self, database: Database, files: Files, most_bytes: int) -> None:
        self._database = database
        self._files = files
        self._most_bytes = most_bytes

    async def put(
        self,
        access: Access,
        runs: Runs,
        collection_id: UUID,
        new: NewFile,
        on_duplicate: OnDuplicate,
        depth: int = 0,
    ) -> tuple[Document, bool]:
        """The document, and whether anything of it is new; its run is under way.

        `depth` counts the workflows' runs that led to it.
        Raises UploadTooLarge, DocumentEmpty, FilesUnavailable, and what `service.add` does.
        """
        version_id = new_id()
        key = original_key(access.workspace_id, version_id)
        async with self._database.unit(access.scope) as session:
            # Whatever becomes of this process, a file that no version is made of is removed.
            await file_crud.expect(session, access.workspace_id, key)
        kept = False
        try:
            file = await self._stored(version_id, key, new)
            async with self._database.unit(access.scope) as session:
                starter = _starter(session, access, runs, depth)
                document, is_new = await service.add(
                    session, access, starter, collection_id, file, on_duplicate
                )
                if is_new:
                    await file_crud.keep(session, access.workspace_id, key)
                    document.labels = {**document.labels, **new.metadata}
                    await session.flush()
                    await session.refresh(document)
            kept = is_new
        finally:
            if not kept:
                with anyio.CancelScope(shield=True):
                    await self._discard(access, key)
        return document, is_new

    async def _stored(self, version_id: UUID, key: str, new: NewFile) -> File:
        if not new.content:
            raise DocumentEmpty("There is nothing to be written.")
        try:
            stored = await self._files.put(key, _whole(new.content), most_bytes=self._most_bytes)
        except FileTooLarge:
            raise UploadTooLarge(f"A document has at most {self._most_bytes} bytes.") from None
        name, kind = file_name(new.name), media_type(new.media_type)
        return File(version_id, name, kind, stored.size, stored.sha256)

    async def _discard(self, access: Access, key: str) -> None:
        """Remove the file and its note at once; what fails here, the job `documents` does."""
        with suppress(FilesUnavailable):
            await self._files.delete(key)
            async with self._database.unit(access.scope) as session:
                await file_crud.keep(session, access.workspace_id, key)


def _starter(session: AsyncSession, access: Access, runs: Runs, depth: int) -> Starter:
    def launch(run: Run) -> None:
        on_commit(session, lambda: runs.executor.launch(run))

    return Starter(access, runs.executor.id, launch, runs.canceller(session), depth)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
