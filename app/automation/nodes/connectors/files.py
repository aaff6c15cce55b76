"""The connector `files`: the documents of the workspace's collections, listed and read."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from pydantic import Field

from app.agents.tools.local.documents import Documents
from app.agents.tools.tool import ToolFault
from app.automation.nodes.connectors import rows as tables
from app.automation.nodes.connectors.connector import MOST_ROWS, Connector, Operation, Rows
from app.automation.nodes.faults import fault_of_tool
from app.automation.nodes.fields import MIB, Slug
from app.automation.nodes.node_type import StepContext, StepFault
from app.core.paging import CursorInvalid, Slice
from app.core.schema import Input, Text, WholeNumber
from app.knowledge.collections import documents
from app.knowledge.collections.document_schemas import DocumentQuery, DocumentRead, Status
from app.knowledge.collections.models import Collection

MOST_BYTES: Final = 8 * MIB
MOST_TEXT: Final = 1_000_000
READY: Final = "ready"
UNREAD: Final = frozenset({"queued", "processing"})


class ListCursor(Input):
    """Where a list was left; new documents come behind it."""

    page: Annotated[Text | None, Field(max_length=1000)] = None
    created_at: datetime | None = None
    last: UUID | None = None

    def is_behind(self, document: DocumentRead) -> bool:
        """Whether a document comes behind it; `created_at` is missing from those of old."""
        if self.last is None:
            return True
        if self.created_at is None:
            return document.id > self.last
        return (document.created_at, document.id) > (self.created_at, self.last)


class ListOptions(Input):
    collection: Annotated[Slug, Field(description="Its slug or id.")]
    name: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the name.")
    ] = None
    status: Annotated[
        Status | None,
        Field(
            description="`ready`: what has been read. The list ends before a document that is "
            "still on its way, so that none is passed over."
        ),
    ] = None
    cursor: Annotated[
        ListCursor | None, Field(description="The `cursor` that the call before gave.")
    ] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200)] = 100


class List(Operation[ListOptions]):
    """Oldest first, so that what was added since the last time comes next."""

    name = "list"
    kind = "source"
    title = "List the documents of a collection"
    options = ListOptions
    example: ClassVar[Mapping[str, Any]] = {
        "collection": "invoices",
        "status": "ready",
        "cursor": "{{ inputs.cursor }}",
    }

    def __init__(self, found: Documents) -> None:
        self._documents = found

    async def perform(self, ctx: StepContext, options: ListOptions) -> dict[str, Any]:
        """Raises StepFault: `collection_not_found`, `cursor_invalid`."""
        collection = await collection_of(self._documents, ctx, options.collection)
        at = options.cursor or ListCursor()
        query = DocumentQuery(
            limit=options.limit,
            order="asc",
            name=options.name,
            status=None if options.status == READY else options.status,
            cursor=at.page,
        )
        try:
            page = await self._page(ctx, collection, query)
        except CursorInvalid as error:
            if at.page is None or at.created_at is not None or options.status != READY:
                raise StepFault(error.code, error.detail) from None
            # Earlier versions kept a page of the ready ones alone; what was given is known by it.
            at = ListCursor(last=at.last)
            page = await self._page(ctx, collection, query.model_copy(update={"cursor": None}))
        # A page that was not full is asked for again: what is known of it already is left out.
        fresh = [each for each in page.data if at.is_behind(each)]
        passed = _until_unread(fresh) if options.status == READY else len(fresh)
        held, fresh = passed < len(fresh), fresh[:passed]
        cursor = ListCursor(
            page=at.page if held else page.next_cursor or at.page,
            created_at=fresh[-1].created_at if fresh else at.created_at,
            last=fresh[-1].id if fresh else at.last,
        )
        shown = [
            each.model_dump(mode="json") for each in fresh if options.status in (None, each.status)
        ]
        more = page.has_more and not held
        return Rows(shown, cursor.model_dump(mode="json"), more).told()

    async def _page(
        self, ctx: StepContext, collection: Collection, query: DocumentQuery
    ) -> Slice[DocumentRead]:
        """Raises CursorInvalid."""
        async with self._documents.database.unit(ctx.access.scope) as session:
            page = await documents.page(
                session, ctx.access, collection.id, query, self._documents.cursors
            )
            return page.map(DocumentRead.model_validate)


def _until_unread(documents: Sequence[DocumentRead]) -> int:
    """How many documents stand before the first one that is still to be read."""
    waits = (at for at, each in enumerate(documents) if each.status in UNREAD)
    return next(waits, len(documents))


class ReadOptions(Input):
    document_id: UUID
    form: Annotated[
        Literal["text", "base64", "rows"],
        Field(description="`text`: as it was read; `base64`: the file; `rows`: of CSV or JSON."),
    ] = "text"
    format: Annotated[
        tables.Format | None, Field(description="Of `rows`; default: as the name tells.")
    ] = None
    cursor: Annotated[
        WholeNumber | None, Field(ge=0, le=10**9, description="Of `rows`: where to go on.")
    ] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=MOST_ROWS, description="Of `rows`.")] = 500


class Read(Operation[ReadOptions]):
    """`text` gives `{name, text, cut}`, `base64` gives `{name, base64}`, `rows` a page of rows."""

    name = "read"
    kind = "source"
    title = "Read a document"
    options = ReadOptions
    example: ClassVar[Mapping[str, Any]] = {
        "document_id": "{{ item.id }}",
        "form": "rows",
        "cursor": "{{ inputs.cursor }}",
    }

    def __init__(self, found: Documents) -> None:
        self._documents = found

    async def perform(self, ctx: StepContext, options: ReadOptions) -> dict[str, Any]:
        """Raises StepFault: `document_not_found`, `too_large`, `format_unknown`."""
        try:
            if options.form == "text":
                return await self._text(ctx, options.document_id)
            name, content = await self._documents.file(
                ctx.access, options.document_id, MOST_BYTES, frozenset()
            )
        except ToolFault as fault:
            raise fault_of_tool(fault) from None
        if options.form == "base64":
            if len(content) > MOST_TEXT:
                raise StepFault("too_large", f"{name} has {len(content)} bytes.")
            return {"name": name, "base64": base64.b64encode(content).decode()}
        kind = options.format or tables.format_of(name)
        if kind is None:
            raise StepFault("format_unknown", f"What rows {name} has must be told by `format`.")
        start = options.cursor or 0
        page = await asyncio.to_thread(tables.read, content, kind, start, options.limit, name)
        return page.told()

    async def _text(self, ctx: StepContext, document_id: UUID) -> dict[str, Any]:
        version, parsed = await self._documents.text(ctx.access, document_id, frozenset())
        cut = len(parsed.text) > MOST_TEXT
        return {"name": version.file_name, "text": parsed.text[:MOST_TEXT], "cut": cut}


async def collection_of(found: Documents, ctx: StepContext, named: str) -> Collection:
    """The one with this slug or id; raises StepFault."""
    try:
        seen = await found.collections(ctx.access, frozenset({named}))
    except ToolFault as fault:
        raise fault_of_tool(fault) from None
    if not seen:
        raise StepFault("collection_not_found", f"There is no collection `{named}`.")
    return seen[0]


def files_connector(found: Documents) -> Connector:
    return Connector("files", "Files of the workspace's collections", (List(found), Read(found)))
