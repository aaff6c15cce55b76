"""Anthropic's message batches, carried out over any provider."""

import asyncio
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from app.core.auth import Access, Permission
from app.core.db import AsyncSession, on_commit
from app.inference.batches import crud, service
from app.inference.batches.errors import BatchNotFound
from app.inference.batches.models import Batch, BatchLine
from app.inference.batches.schemas import MOST_LINES, BatchCreate, BatchRequest
from app.inference.dialects.ask import read_document
from app.inference.dialects.checks import invalid, mapping, missing, rows, text
from app.inference.relay.batches import FEATURE
from app.inference.relay.files import is_limit, query_of
from app.inference.relay.passed_headers import PASSED, headers_sent
from app.inference.relay.passing import read_upload
from app.inference.relay.visit import Visit
from app.runs.runs.bundle import Runs

URL: Final = "/v1/messages"
PREFIX: Final = "msgbatch_"
BETA: Final = "anthropic-beta"
OLD_BETA: Final = "message-batches-"
JSONL: Final = b"application/x-jsonl"
MOST_ID: Final = 512
MOST_LISTED: Final = 1000
LISTED: Final = 20
UNDER_WAY: Final = {"in_progress": "in_progress", "cancelling": "canceling"}
OUTCOMES: Final = ("succeeded", "failed", "cancelled", "expired")


class CreateMessageBatch:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_WRITE, FEATURE)
        body = await read_upload(visit.scope, visit.receive, visit.kernel.settings.max_upload_bytes)
        # In a thread, so that other calls go on meanwhile.
        new = await asyncio.to_thread(read_requests, bytes(body))
        running: Runs = visit.scope["app"].state.runs
        calls = visit.inference.calls
        async with visit.writing(access, "batches_create") as session:
            batch, run = await service.create(
                session, calls, access, running.executor.id, new, headers=headers_of(visit)
            )
            on_commit(session, lambda: running.executor.launch(run))
            shown = batch_object(batch, visit)
        await visit.reply.json(orjson.dumps(shown))


class ListMessageBatches:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_READ, FEATURE)
        query = query_of(visit)
        limit = limit_of(query)
        after, before = (named(query.get(name)) for name in ("after_id", "before_id"))
        async with visit.kernel.database.unit(access.scope) as session:
            found = await crud.newest(
                session, access.workspace_id, after, limit + 1, before=before, endpoint=URL
            )
            # The one too many is the farthest: the first of those before another one.
            kept = found[-limit:] if before else found[:limit]
            shown = [batch_object(batch, visit) for batch in kept]
        page = {
            "data": shown,
            "has_more": len(found) > limit,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
        }
        await visit.reply.json(orjson.dumps(page))


class ShowMessageBatch:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_READ, FEATURE)
        async with visit.kernel.database.unit(access.scope) as session:
            shown = batch_object(await batch_of(session, access, visit), visit)
        await visit.reply.json(orjson.dumps(shown))


class CancelMessageBatch:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_WRITE, FEATURE)
        running: Runs = visit.scope["app"].state.runs
        async with visit.writing(access, "batches_cancel") as session:
            found = await batch_of(session, access, visit)
            batch = await service.cancel(session, access, found.id)
            run_id = batch.run_id
            on_commit(session, lambda: running.recovery.announce_cancel(run_id))
            shown = batch_object(batch, visit)
        await visit.reply.json(orjson.dumps(shown))


class ReadMessageBatch:
    """The outcome of every request, once there is one of each."""

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_READ, FEATURE)
        database = visit.kernel.database
        async with database.unit(access.scope) as session:
            batch = await batch_of(session, access, visit)
        if batch.status in UNDER_WAY:
            raise BatchNotFound("The batch has no results yet: it is not over.")
        after = 0
        while True:
            async with database.unit(access.scope) as session:
                lines = await crud.ended(session, access.workspace_id, batch.id, OUTCOMES, after)
            if not lines:
                break
            after = lines[-1].position
            await visit.reply.stream(b"".join(map(outcome, lines)), kind=JSONL)
        await visit.reply.stream(b"", more=False, kind=JSONL)


async def batch_of(session: AsyncSession, access: Access, visit: Visit) -> Batch:
    """The one of the address; raises BatchNotFound for one of other operations too."""
    batch_id = named(visit.parameters["batch"])
    batch = await service.get(session, access, batch_id) if batch_id else None
    if batch is None or batch.endpoint != URL:
        raise BatchNotFound
    return batch


def named(shown: str | None) -> UUID | None:
    return service.id_of(shown, PREFIX) if shown else None


def headers_of(visit: Visit) -> dict[str, str]:
    """What the client's headers say of each request, without the beta that batches once were."""
    sent = headers_sent(PASSED["anthropic_messages"], visit)
    betas = [each.strip() for each in sent.pop(BETA, "").split(",")]
    kept = [each for each in betas if each and not each.startswith(OLD_BETA)]
    return sent | {BETA: ",".join(kept)} if kept else sent


def limit_of(query: dict[str, str]) -> int:
    """Raises RequestInvalid."""
    given = query.get("limit", str(LISTED))
    if not is_limit(given, MOST_LISTED):
        raise invalid("limit", f"expected an integer from 1 to {MOST_LISTED}")
    return int(given)


def read_requests(body: bytes) -> BatchCreate:
    """Raises RequestInvalid, naming the request."""
    asked = rows(read_document(body).get("requests"), "requests")
    if not 1 <= len(asked) <= MOST_LINES:
        raise invalid("requests", f"expected 1 to {MOST_LINES:,} requests")
    read = [read_request(each, f"requests.{at}") for at, each in enumerate(asked)]
    return BatchCreate(requests=read, metadata={})


def read_request(asked: dict[str, Any], at: str) -> BatchRequest:
    name = text(asked.get("custom_id"), f"{at}.custom_id")
    if len(name) > MOST_ID:
        raise invalid(f"{at}.custom_id", f"expected at most {MOST_ID} characters")
    params = mapping(asked.get("params"), f"{at}.params")
    if not params:
        raise missing(f"{at}.params")
    return BatchRequest(custom_id=name, url=URL, body=params)


def batch_object(batch: Batch, visit: Visit) -> dict[str, Any]:
    name = PREFIX + batch.id.hex
    over = batch.status not in UNDER_WAY
    cancelled = batch.status in ("cancelling", "cancelled")
    return {
        "id": name,
        "type": "message_batch",
        "processing_status": UNDER_WAY.get(batch.status, "ended"),
        "request_counts": counts_of(batch, over=over),
        "created_at": moment(batch.created_at),
        "expires_at": moment(batch.expires_at),
        "ended_at": moment(batch.ended_at),
        "cancel_initiated_at": moment(batch.updated_at) if cancelled else None,
        "archived_at": None,
        "results_url": results_url(visit, name) if over else None,
    }


def counts_of(batch: Batch, *, over: bool) -> dict[str, int]:
    """As Anthropic counts: everything is being processed until all of it is over."""
    unanswered = batch.total - batch.succeeded - batch.failed
    expired = batch.status == "expired"
    return {
        "processing": 0 if over else batch.total,
        "succeeded": batch.succeeded if over else 0,
        "errored": batch.failed if over else 0,
        "canceled": unanswered if over and not expired else 0,
        "expired": unanswered if over and expired else 0,
    }


def results_url(visit: Visit, name: str) -> str:
    public = visit.kernel.settings.public_url.rstrip("/")
    host = visit.header(b"host")
    return f"{public or visit.scope['scheme'] + '://' + host}/anthropic{URL}/batches/{name}/results"


def outcome(line: BatchLine) -> bytes:
    told: dict[str, Any] = {"type": line.status}
    match line.status:
        case "succeeded":
            told["message"] = line.answer
        case "failed":
            told = {"type": "errored", "error": line.answer}
        case "cancelled":
            told["type"] = "canceled"
    written = {"custom_id": line.custom_id, "result": told}
    return orjson.dumps(written, option=orjson.OPT_APPEND_NEWLINE)


def moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
