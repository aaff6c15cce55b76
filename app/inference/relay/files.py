"""OpenAI's files: uploads for batches and fine-tuning, and what batches have brought."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

import orjson

from app.core.auth import Access, Permission
from app.inference.batches import crud, service
from app.inference.batches.errors import FileNotFound
from app.inference.batches.models import Batch, StoredFile
from app.inference.dialects.errors import RequestInvalid
from app.inference.relay.passing import read_upload
from app.inference.relay.uploads import read_upload_form
from app.inference.relay.visit import Visit

FEATURE: Final = "files"
PURPOSES: Final = ("batch", "fine-tune")
# Results are no rows of their own: they are read from the batch's lines.
RESULTS: Final = {"file-ok-": "succeeded", "file-err-": "failed"}
MOST_LISTED: Final = 10_000


class CreateFile:
    """Keeps an upload of at most the operator's bound."""

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_WRITE, FEATURE)
        limit = visit.kernel.settings.max_upload_bytes
        body = await read_upload(visit.scope, visit.receive, limit)
        upload = read_upload_form(body, visit.header(b"content-type"))
        purpose = upload.fields.get("purpose")
        if purpose not in PURPOSES:
            said = f"Invalid 'purpose': expected one of {', '.join(PURPOSES)}."
            raise RequestInvalid(said, param="purpose", label="invalid_value")
        async with visit.writing(access, "files_create") as session:
            file = await service.add_file(session, access, upload.name, purpose, upload.content)
            shown = file_object(file)
        await visit.reply.json(orjson.dumps(shown))


class ListFiles:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_READ, FEATURE)
        query = query_of(visit)
        after = service.id_of(query["after"], "file-") if query.get("after") else None
        limit = limit_of(query, MOST_LISTED)
        async with visit.kernel.database.unit(access.scope) as session:
            found = await service.files(session, access, query.get("purpose"), after, limit + 1)
            shown = [file_object(file) for file in found]
        await visit.reply.json(list_of(shown, limit))


class ShowFile:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_READ, FEATURE)
        name = visit.parameters["file"]
        async with visit.kernel.database.unit(access.scope) as session:
            batch_id, status = result_of(name)
            if batch_id is not None:
                batch = await service.get(session, access, batch_id)
                size = await crud.answered_bytes(session, access.workspace_id, batch_id, status)
                shown = result_object(name, batch, size)
            else:
                shown = file_object(await service.get_file(session, access, id_in(name)))
        await visit.reply.json(orjson.dumps(shown))


class DeleteFile:
    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_WRITE, FEATURE)
        name = visit.parameters["file"]
        async with visit.writing(access, "files_delete") as session:
            await service.delete_file(session, access, id_in(name))
        shown = {"id": name, "object": "file", "deleted": True}
        await visit.reply.json(orjson.dumps(shown))


class ReadFile:
    """The content of an upload, or of what a batch has brought so far."""

    async def serve(self, visit: Visit) -> None:
        access = await visit.access(Permission.BATCHES_READ, FEATURE)
        name = visit.parameters["file"]
        batch_id, status = result_of(name)
        if batch_id is None:
            await self._upload(visit, access, name)
            return
        database = visit.kernel.database
        async with database.unit(access.scope) as session:
            await service.get(session, access, batch_id)
        async for block in service.results(database, access, batch_id, (status,)):
            await visit.reply.stream(block, kind=b"application/octet-stream")
        await visit.reply.stream(b"", more=False, kind=b"application/octet-stream")

    async def _upload(self, visit: Visit, access: Access, name: str) -> None:
        async with visit.kernel.database.unit(access.scope) as session:
            file = await service.get_file(session, access, id_in(name), with_content=True)
            content = file.content
        head = [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", b"%d" % len(content)),
        ]
        await visit.reply.whole(200, head, content)


def file_object(file: StoredFile) -> dict[str, Any]:
    return {
        "id": f"file-{file.id.hex}",
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at.timestamp()),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
        "expires_at": None,
    }


def result_object(name: str, batch: Batch, size: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "file",
        "bytes": size,
        "created_at": int((batch.ended_at or batch.created_at).timestamp()),
        "filename": f"{name}.jsonl",
        "purpose": "batch_output",
        "status": "processed",
        "status_details": None,
        "expires_at": None,
    }


def result_of(name: str) -> tuple[UUID | None, str]:
    """The batch whose results a file's name stands for, and which of them; None for an upload."""
    for prefix, status in RESULTS.items():
        if name.startswith(prefix):
            return id_in(name.removeprefix(prefix)), status
    return None, ""


def id_in(name: str) -> UUID:
    try:
        return service.id_of(name, "file-")
    except FileNotFound:
        raise FileNotFound(f"No such File object: {name[:100]}") from None


def query_of(visit: Visit) -> dict[str, str]:
    """The query's parameters; the first of a name counts."""
    return dict(reversed(parse_qsl(visit.scope["query_string"].decode("latin-1"))))


def limit_of(query: dict[str, str], most: int) -> int:
    """Raises RequestInvalid."""
    given = query.get("limit", "20" if most == 100 else str(most))
    if not is_limit(given, most):
        said = f"Invalid 'limit': expected a whole number from 1 to {most}."
        raise RequestInvalid(said, param="limit", label="invalid_value")
    return int(given)


def is_limit(given: str, most: int) -> bool:
    return given.isascii() and given.isdigit() and len(given) < 9 and 1 <= int(given) <= most


def list_of(shown: Sequence[dict[str, Any]], limit: int) -> bytes:
    """A page, one more than which was looked for."""
    page = shown[:limit]
    return orjson.dumps(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(shown) > limit,
        }
    )
