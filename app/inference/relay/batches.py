"""OpenAI's batches, carried out over any provider."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.inference.batches import service
from app.inference.batches.errors import BatchInvalid
from app.inference.batches.models import Batch
from app.inference.batches.schemas import BatchCreate
from app.inference.dialects.ask import optional, read_document, required
from app.inference.dialects.errors import RequestInvalid
from app.inference.relay.files import limit_of, list_of, query_of
from app.inference.relay.visit import Visit
from app.runs.runs.bundle import Runs

FEATURE: Final = "batches"
WINDOW: Final = "24h"
MOST_LISTED: Final = 100
MOST_LABELS: Final = 16
MOST_LABEL: Final = 512


class CreateBatch:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_WRITE, FEATURE)
        document = read_document(await visit.body())
        new = read_batch(document)
        running: Runs = visit.scope["app"].state.runs
        calls = visit.inference.calls
        async with visit.writing(access, "batches_create") as session:
            batch, run = await service.create(session, calls, access, running.executor.id, new)
            if batch.endpoint != document["endpoint"]:
                raise BatchInvalid("A line's `url` is another than the batch's `endpoint`.")
            on_commit(session, lambda: running.executor.launch(run))
            shown = batch_object(batch)
        await visit.reply.json(orjson.dumps(shown))


class ListBatches:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_READ, FEATURE)
        query = query_of(visit)
        after = service.id_of(query["after"], "batch_") if query.get("after") else None
        limit = limit_of(query, MOST_LISTED)
        async with visit.kernel.database.unit(access.scope) as session:
            found = await service.newest(session, access, after, limit + 1)
            shown = [batch_object(batch) for batch in found]
        await visit.reply.json(list_of(shown, limit))


class ShowBatch:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_READ, FEATURE)
        async with visit.kernel.database.unit(access.scope) as session:
            shown = batch_object(await service.get(session, access, named(visit)))
        await visit.reply.json(orjson.dumps(shown))


class CancelBatch:
    async def serve(self, visit: Visit) -> None:
        access: Access = await visit.access(Permission.BATCHES_WRITE, FEATURE)
        running: Runs = visit.scope["app"].state.runs
        async with visit.writing(access, "batches_cancel") as session:
            batch = await service.cancel(session, access, named(visit))
            run_id = batch.run_id
            on_commit(session, lambda: running.recovery.announce_cancel(run_id))
            shown = batch_object(batch)
        await visit.reply.json(orjson.dumps(shown))


def named(visit: Visit) -> UUID:
    return service.id_of(visit.parameters["batch"], "batch_")


def read_batch(document: dict[str, Any]) -> BatchCreate:
    """Raises RequestInvalid."""
    required(document, "endpoint", str, "a string")
    file_id = required(document, "input_file_id", str, "a string")
    if required(document, "completion_window", str, "a string") != WINDOW:
        said = f"Invalid 'completion_window': expected '{WINDOW}'."
        raise RequestInvalid(said, param="completion_window", label="invalid_value")
    labels = optional(document, "metadata", dict, "an object") or {}
    if len(labels) > MOST_LABELS or not all(
        isinstance(value, str) and len(name) <= MOST_LABEL and len(value) <= MOST_LABEL
        for name, value in labels.items()
    ):
        said = f"Invalid 'metadata': expected at most {MOST_LABELS} short strings."
        raise RequestInvalid(said, param="metadata", label="invalid_value")
    return BatchCreate(file_id=file_id[:64], metadata=labels)


def batch_object(batch: Batch) -> dict[str, Any]:
    ended = seconds(batch.ended_at)
    return {
        "id": f"batch_{batch.id.hex}",
        "object": "batch",
        "endpoint": batch.endpoint or "",
        "errors": None,
        "input_file_id": f"file-{batch.file_id.hex}" if batch.file_id else "",
        "completion_window": WINDOW,
        "status": batch.status,
        "output_file_id": f"file-ok-{batch.id.hex}" if ended and batch.succeeded else None,
        "error_file_id": f"file-err-{batch.id.hex}" if ended and batch.failed else None,
        "created_at": seconds(batch.created_at),
        "in_progress_at": seconds(batch.created_at),
        "expires_at": seconds(batch.expires_at),
        "finalizing_at": ended,
        **{
            f"{status}_at": ended if batch.status == status else None
            for status in ("completed", "failed", "expired", "cancelled")
        },
        "cancelling_at": seconds(batch.updated_at) if batch.status == "cancelling" else None,
        "request_counts": {
            "total": batch.total,
            "completed": batch.succeeded,
            "failed": batch.failed,
        },
        "metadata": batch.labels or None,
    }


def seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None
