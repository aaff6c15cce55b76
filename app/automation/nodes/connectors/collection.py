"""The connector `collection`: documents written into a collection, one by one or out of rows."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, ValidationError

from app.agents.runtime.launching import Launcher
from app.agents.tools.local.documents import Documents
from app.automation.nodes.connectors import rows as tables
from app.automation.nodes.connectors.connector import (
    MOST_GIVEN,
    Connector,
    Operation,
    Reject,
    told_rejects,
)
from app.automation.nodes.connectors.files import collection_of
from app.automation.nodes.faults import expect_allowed
from app.automation.nodes.fields import MIB, Slug
from app.automation.nodes.node_type import StepContext
from app.core.auth import Permission
from app.core.errors import AppError
from app.core.schema import Input, Metadata, Name, Text, sentence
from app.knowledge.collections.models import Collection
from app.knowledge.ingestion.naming import file_name
from app.knowledge.ingestion.service import OnDuplicate
from app.knowledge.ingestion.writing import NewFile, Writing

MOST_DOCUMENTS: Final = 100
_TYPES: Final[Mapping[str, str]] = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
_OnDuplicate = Annotated[
    OnDuplicate,
    Field(
        description="Where the collection has the content already: `skip` it or `error`; by "
        "`version` a document is known by its name alone, and other content is its next version."
    ),
]


class NewDocument(Input):
    """One document, by its text or by its bytes."""

    name: Name
    text: Annotated[Text | None, Field(min_length=1, max_length=MIB)] = None
    base64: Annotated[Text | None, Field(min_length=4, max_length=2 * MIB)] = None
    media_type: Annotated[Text, Field(max_length=100)] = "text/markdown"
    metadata: Metadata = Field(default_factory=dict)

    def content(self) -> bytes:
        """Raises ValueError where there is none."""
        if (self.text is None) == (self.base64 is None):
            raise ValueError("has either `text` or `base64`")
        if self.text is not None:
            return self.text.encode(errors="replace")
        return base64.b64decode(self.base64 or "", validate=True)


class WriteOptions(Input):
    collection: Annotated[Slug, Field(description="Its slug or id.")]
    documents: Annotated[
        list[dict[str, Any]],
        Field(
            max_length=MOST_DOCUMENTS,
            description="`{name, text | base64, media_type, metadata}` each.",
        ),
    ]
    on_duplicate: _OnDuplicate = "version"


class Write(Operation[WriteOptions]):
    """One that cannot be taken in is a reject; the same content again is written once."""

    name = "write"
    kind = "sink"
    title = "Write documents into a collection"
    options = WriteOptions
    example: ClassVar[Mapping[str, Any]] = {
        "collection": "reports",
        "documents": [{"name": "weekly.md", "text": "{{ nodes.report.output.text }}"}],
    }

    def __init__(self, found: Documents, writing: Writing, launcher: Launcher) -> None:
        self._documents = found
        self._sink = _Sink(writing, launcher)

    async def perform(self, ctx: StepContext, options: WriteOptions) -> dict[str, Any]:
        """Raises StepFault: `collection_not_found`."""
        expect_allowed(ctx, Permission.COLLECTIONS_WRITE)
        collection = await collection_of(self._documents, ctx, options.collection)
        made: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        names: dict[str, str] = {}
        for index, given in enumerate(options.documents):
            try:
                new = _file_of(given)
                if options.on_duplicate == "version":
                    _expect_own(names, new.name)
                made.append(await self._sink.put(ctx, collection, new, options.on_duplicate))
            except (ValidationError, ValueError) as error:
                rejects.append(Reject(index, "document_invalid", _said(error), _shown(given)))
            except AppError as error:
                if error.retryable:
                    raise
                rejects.append(Reject(index, error.code, error.detail, _shown(given)))
        return {"documents": made, "written": len(made), **told_rejects(rejects)}


class WriteRowsOptions(Input):
    collection: Annotated[Slug, Field(description="Its slug or id.")]
    name: Annotated[Name, Field(description="The document's; the same name is its next version.")]
    rows: Annotated[list[Any], Field(max_length=MOST_GIVEN)]
    format: Literal["csv", "jsonl"] = "csv"
    metadata: Annotated[Metadata, Field(description="Of the document.")] = Field(
        default_factory=dict
    )
    on_duplicate: _OnDuplicate = "version"


class WriteRows(Operation[WriteRowsOptions]):
    """Rows are JSON objects; what is none is a reject."""

    name = "write_rows"
    kind = "sink"
    title = "Write rows as one document"
    options = WriteRowsOptions
    example: ClassVar[Mapping[str, Any]] = {
        "collection": "exports",
        "name": "orders.csv",
        "rows": "{{ nodes.clean.output }}",
    }

    def __init__(self, found: Documents, writing: Writing, launcher: Launcher) -> None:
        self._documents = found
        self._sink = _Sink(writing, launcher)

    async def perform(self, ctx: StepContext, options: WriteRowsOptions) -> dict[str, Any]:
        """Raises StepFault, and what taking a document in raises; no rows write nothing."""
        expect_allowed(ctx, Permission.COLLECTIONS_WRITE)
        collection = await collection_of(self._documents, ctx, options.collection)
        content, count, rejects = tables.write(options.rows, options.format)
        made = []
        if count:
            new = NewFile(options.name, _TYPES[options.format], content, options.metadata)
            made.append(await self._sink.put(ctx, collection, new, options.on_duplicate))
        return {"documents": made, "written": count, **told_rejects(rejects)}


class _Sink:
    """Takes files in, in the runs of this process."""

    def __init__(self, writing: Writing, launcher: Launcher) -> None:
        self._writing = writing
        self._launcher = launcher

    async def put(
        self, ctx: StepContext, collection: Collection, new: NewFile, on_duplicate: OnDuplicate
    ) -> dict[str, Any]:
        whole = replace(new, name=_kept(new.name))
        document, is_new = await self._writing.put(
            ctx.access, self._launcher.runs, collection.id, whole, on_duplicate, ctx.depth + 1
        )
        return {
            "id": str(document.id),
            "name": document.name,
            "is_new": is_new,
            "run_id": str(document.run_id) if document.run_id else None,
        }


def _file_of(given: Mapping[str, Any]) -> NewFile:
    """Raises ValidationError and ValueError."""
    new = NewDocument.model_validate(given)
    try:
        content = new.content()
    except binascii.Error:
        raise ValueError("its `base64` is not Base64") from None
    return NewFile(new.name, new.media_type, content, new.metadata)


def _kept(name: str) -> str:
    """Of a path the last part alone would be kept: two documents would become one."""
    return name.replace("/", "-").replace("\\", "-")


def _expect_own(names: dict[str, str], name: str) -> None:
    """Raises ValueError where another name of the same call comes to the same document."""
    kept = file_name(_kept(name))
    before = names.setdefault(kept, name)
    if before != name:
        raise ValueError(f"it would be kept as `{kept}`, as `{before}` is")


def _said(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"/{'/'.join(map(str, first['loc']))}: {sentence(first['msg'])}"
    return str(error)


def _shown(given: Mapping[str, Any]) -> dict[str, Any]:
    """Enough of a document to find it by."""
    return {"name": given.get("name")}


def collection_connector(found: Documents, writing: Writing, launcher: Launcher) -> Connector:
    operations = (Write(found, writing, launcher), WriteRows(found, writing, launcher))
    return Connector("collection", "The workspace's collections", operations)
