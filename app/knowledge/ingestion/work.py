"""The run that takes a version of a document in: fetch, parse, index, embed."""

import asyncio
from typing import Any, Final
from uuid import UUID

from app.core import restorable
from app.core.db import AsyncSession
from app.core.outbox import emit
from app.knowledge.collections import document_crud
from app.knowledge.collections.crud import KIND as DOCUMENT
from app.knowledge.collections.errors import DocumentExists
from app.knowledge.collections.models import Document, DocumentVersion
from app.knowledge.ingestion.embedding import Embedding
from app.knowledge.ingestion.errors import IngestionCancelled
from app.knowledge.ingestion.intake import Intake, Target
from app.knowledge.ingestion.starting import KIND
from app.knowledge.ingestion.steps import patiently, step
from app.knowledge.passages import service as passages
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

FETCH: Final = "fetch"
FETCH_TRIES: Final = 4


class Ingestion:
    """Takes documents in, as many together as there is `room`; the others wait their turn."""

    kind = KIND

    def __init__(self, intake: Intake, embedding: Embedding, room: asyncio.Semaphore) -> None:
        self._intake = intake
        self._embedding = embedding
        self._room = room

    async def run(self, ctx: RunContext) -> None:
        """Each step leaves what a later attempt finds again, or does the same once more."""
        target = _target(ctx)
        async with self._room:
            await patiently(ctx, "begin", lambda: self._intake.begin(ctx, target))
            if url := ctx.input.get("url"):
                known = await self._fetch(ctx, target, url)
                if known is not None:
                    ctx.emit("log", step=FETCH, document_exists=known)
                    return
            await self._index(ctx, target)
        async with step(ctx, "embed") as counts:
            counts["passages"] = await self._embedding.finish(ctx, target.document_id, "embed")

    async def _fetch(self, ctx: RunContext, target: Target, url: str) -> UUID | None:
        skip_known = ctx.input.get("on_duplicate") == "skip"
        async with step(ctx, FETCH):
            return await patiently(
                ctx,
                FETCH,
                lambda: self._intake.fetch(ctx, target, url, skip_known=skip_known),
                FETCH_TRIES,
            )

    async def _index(self, ctx: RunContext, target: Target) -> None:
        async with step(ctx, "parse") as counts:
            parsed = await patiently(ctx, "parse", lambda: self._intake.read(ctx, target))
            counts.update(characters=len(parsed.text), blocks=len(parsed.blocks))
            counts.update({} if parsed.pages is None else {"pages": parsed.pages})
        async with step(ctx, "index") as counts:
            counts["passages"] = await patiently(
                ctx, "index", lambda: self._intake.put(ctx, target, parsed)
            )

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Say on the document and its version how it went.

        Of a document that was not found before, nothing is found once this is cancelled; a version
        that took another's place stays, and its vectors come all the same. One that was skipped
        names the document that says the same, and has failed if it is ever restored.
        """
        target = _target(ctx)
        document = await restorable.find(
            session, Document, ctx.workspace_id, target.document_id, for_update=True
        )
        version = await document_crud.version(
            session, ctx.workspace_id, target.document_id, target.number
        )
        result: dict[str, Any] = {"document_id": str(target.document_id), "version": target.number}
        if document is None or version is None:
            return Settlement(result)
        if ending.status == "completed" and not version.parsed:
            known = await document_crud.with_content(
                session, ctx.workspace_id, document.collection_id, version.sha256 or ""
            )
            if known is not None:
                result["known_document_id"] = str(known.id)
                ending = Ending("failed", DocumentExists(known.id))
        error = ending.error or (IngestionCancelled() if ending.status == "cancelled" else None)
        version.status = "failed" if error else "ready"
        version.error = error.problem(instance=f"/v1/documents/{document.id}") if error else None
        if document.run_id == ctx.run_id:
            if ending.status == "cancelled" and ctx.input["fresh"]:
                await passages.remove(session, ctx.workspace_id, DOCUMENT, document.id)
                document.current_version = None
            await self._settle_document(session, document, version, ending)
        await _tell(session, document, version, ending, int(ctx.input.get("depth", 0)))
        return Settlement({**result, "status": document.status})

    async def _settle_document(
        self, session: AsyncSession, document: Document, version: DocumentVersion, ending: Ending
    ) -> None:
        in_place = document.current_version == version.number
        if ending.status == "completed" or (ending.status == "cancelled" and in_place):
            document.status, document.error = "ready", None
        elif in_place or document.current_version is None:
            document.status, document.error = "failed", version.error
        else:
            await self._fall_back(session, document, document.current_version)

    async def _fall_back(self, session: AsyncSession, document: Document, number: int) -> None:
        """The version that was found before still is; why the other failed stands with it."""
        current = await document_crud.version(session, document.workspace_id, document.id, number)
        document.status, document.error, document.wanted_version = "ready", None, number
        if current is not None:
            document.size, document.sha256 = current.size, current.sha256
            document.media_type = current.media_type


async def _tell(
    session: AsyncSession, document: Document, version: DocumentVersion, ending: Ending, depth: int
) -> None:
    """Have the rooms above hear of it; what was cancelled is no news to anyone."""
    if ending.status == "cancelled":
        return
    named = {
        "document_id": document.id,
        "collection_id": document.collection_id,
        "version": version.number,
        "media_type": document.media_type,
        "error": ending.error.code if ending.error else None,
    }
    became = "failed" if ending.error else "ingested"
    await emit(
        session,
        document.workspace_id,
        f"document.{became}",
        named,
        subject_id=document.id,
        user_id=document.created_by_id,
        depth=depth,
    )


def _target(ctx: RunContext) -> Target:
    return Target(UUID(ctx.input["document_id"]), int(ctx.input["number"]))
