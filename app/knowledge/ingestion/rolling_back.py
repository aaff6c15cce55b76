"""The run that brings a collection back to what a snapshot noted of it."""

from collections import Counter
from datetime import datetime
from typing import Final
from uuid import UUID

from app.core import restorable
from app.core.db import AsyncSession, Database
from app.knowledge.collections import document_crud, documents, snapshot_crud
from app.knowledge.collections.errors import SnapshotNotFound
from app.knowledge.collections.models import Document
from app.knowledge.ingestion.embedding import Embedding
from app.knowledge.ingestion.errors import (
    DocumentGone,
    IngestionCancelled,
    IngestionSuperseded,
)
from app.knowledge.ingestion.intake import Intake, Target
from app.knowledge.ingestion.steps import patiently, step
from app.runs.runs import service as runs
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

KIND: Final = "rollback"
PAGE: Final = 200
COUNTED: Final = ("deleted", "restored", "changed")


class RollingBack:
    """Deletes what was added since, restores what was deleted, and sets versions back.

    What is added while it goes on stays. Runs whose documents it takes over notice it themselves.
    """

    kind = KIND

    def __init__(self, database: Database, intake: Intake, embedding: Embedding) -> None:
        self._database = database
        self._intake = intake
        self._embedding = embedding
        self._done: dict[UUID, Counter[str]] = {}

    async def run(self, ctx: RunContext) -> None:
        """Compare and set right, document by document: what is right already stays as it is."""
        wanted, before = await self._snapshot(ctx)
        done = _told(ctx)
        self._done[ctx.run_id] = done
        async with step(ctx, "delete"):
            done["deleted"] += await self._delete_added(ctx, wanted, before)
            ctx.emit("log", step="delete", **done)
        async with step(ctx, "restore"):
            for document_id, number in wanted.items():
                what = await self._set_right(ctx, document_id, number)
                if what is not None:
                    done[what] += 1
                    ctx.emit("log", step="restore", **done)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """A document that was begun and not ended can be taken in by itself."""
        error = (ending.error or IngestionCancelled()).problem(instance=f"/v1/runs/{ctx.run_id}")
        await document_crud.fail_unfinished(session, ctx.workspace_id, ctx.run_id, error)
        done = self._done.pop(ctx.run_id, Counter())
        named = {name: ctx.input[name] for name in ("collection_id", "snapshot_id")}
        return Settlement({**named, **done})

    async def _snapshot(self, ctx: RunContext) -> tuple[dict[UUID, int], datetime]:
        """What there was, and when this run began."""
        async with self._database.unit(ctx.scope) as session:
            found = await snapshot_crud.get(
                session,
                ctx.workspace_id,
                UUID(ctx.input["collection_id"]),
                UUID(ctx.input["snapshot_id"]),
                whole=True,
            )
            run = await runs.find(session, ctx.workspace_id, ctx.run_id)
        if found is None or run is None:
            raise SnapshotNotFound
        return {UUID(key): number for key, number in found.documents.items()}, run.created_at

    async def _delete_added(
        self, ctx: RunContext, wanted: dict[UUID, int], before: datetime
    ) -> int:
        after: UUID | None = None
        deleted = 0
        collection_id = UUID(ctx.input["collection_id"])
        while True:
            async with self._database.unit(ctx.scope) as session:
                await runs.expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
                page = await document_crud.living(
                    session, ctx.workspace_id, collection_id, after, PAGE
                )
                for document in page:
                    if document.id not in wanted and document.created_at < before:
                        await documents.forget(session, document, lambda _: None)
                        deleted += 1
            if not page:
                return deleted
            after = page[-1].id

    async def _set_right(self, ctx: RunContext, document_id: UUID, number: int) -> str | None:
        """What had to be done to a document: `restored`, `changed`, `missing`, or nothing."""
        what = await patiently(ctx, "restore", lambda: self._prepare(ctx, document_id, number))
        if what is None or what == "missing":
            return what
        target = Target(document_id, number, is_own=True)
        try:
            parsed = await patiently(ctx, "restore", lambda: self._intake.read(ctx, target))
            await patiently(ctx, "restore", lambda: self._intake.put(ctx, target, parsed))
        except DocumentGone:
            return "missing"
        except IngestionSuperseded:
            return None  # someone gave it a later version meanwhile
        await self._embedding.finish(ctx, document_id, "restore")
        async with self._database.unit(ctx.scope) as session:
            document = await restorable.find(
                session, Document, ctx.workspace_id, document_id, for_update=True
            )
            if document is not None and document.run_id == ctx.run_id:
                document.status, document.error = "ready", None
        return what

    async def _prepare(self, ctx: RunContext, document_id: UUID, number: int) -> str | None:
        """Make the document this run's own, where its state is another one than was noted."""
        async with self._database.unit(ctx.scope) as session:
            await runs.expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
            document = await restorable.find(
                session, Document, ctx.workspace_id, document_id, for_update=True
            )
            version = await document_crud.version(session, ctx.workspace_id, document_id, number)
            if document is None or version is None or not version.parsed:
                return "missing"
            is_deleted = document.deleted_at is not None
            is_right = document.current_version == number and document.status == "ready"
            if is_right and not is_deleted:
                return None
            if document.run_id not in (None, ctx.run_id) and document.status in (
                documents.UNFINISHED
            ):
                await runs.request_cancel_idle(session, ctx.workspace_id, document.run_id)
            document.deleted_at, document.run_id = None, ctx.run_id
            document.status, document.error = "processing", None
            document.wanted_version = number
        return "restored" if is_deleted else "changed"


def _told(ctx: RunContext) -> Counter[str]:
    """What the attempts before this one have done, by their log; what is missing is found again."""
    told = [event.body for event in ctx.history if event.type == "log" and "missing" in event.body]
    last: dict[str, int] = told[-1] if told else {}
    return Counter({"missing": 0} | {name: last.get(name, 0) for name in COUNTED})
