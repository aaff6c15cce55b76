"""Documents, versions and chunks on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.bulk import MOST_ITEMS
from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Metadata, Name, NotNull, Output, Problem, Text, Version

Status = Literal["queued", "processing", "ready", "failed"]
_ID = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e21"
_STATE: JsonDict = {
    "media_type": "application/pdf",
    "size": 48_211,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "status": "ready",
    "error": None,
    "created_at": "2026-11-02T09:30:00Z",
}
_DOCUMENT: JsonDict = {
    **_STATE,
    "id": _ID,
    "collection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "created_by_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "name": "handbook.pdf",
    "source_url": None,
    "current_version": 1,
    "wanted_version": 1,
    "run_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e51",
    "metadata": {},
    "updated_at": "2026-11-02T09:30:00Z",
    "deleted_at": None,
    "restorable_until": None,
    "version": 4,
}


class DocumentQuery(RestorableQuery):
    status: Annotated[Status | None, Field(description="Only those in this state.")] = None
    name: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the name.")
    ] = None


class DocumentUpdate(Input):
    """A merge patch: what is absent stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "handbook-2026.pdf"}]})

    name: Annotated[Name | None, NotNull] = None
    metadata: Metadata | None = None


class DocumentRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_DOCUMENT]})

    id: UUID
    collection_id: UUID
    created_by_id: UUID
    name: str
    media_type: str
    size: int | None = Field(description="Bytes; null until an address was fetched.")
    sha256: str | None = Field(description="Of the file, in hexadecimal.")
    source_url: str | None
    status: Status = Field(
        description="`processing` is found by its words already, once it has been read."
    )
    error: Problem | None = Field(description="Why it could not be taken in.")
    current_version: int | None = Field(description="The version that is found.")
    wanted_version: int = Field(description="The version that its last run is about.")
    run_id: UUID | None = Field(description="Its last run; see `GET /v1/runs/{run_id}/events`.")
    metadata: dict[str, Any] = Field(validation_alias="labels")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class VersionQuery(PageQuery):
    """Newest first."""


class DocumentVersionRead(Output):
    """One state of a document."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_STATE,
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e31",
                    "document_id": _ID,
                    "number": 1,
                    "created_by_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
                    "file_name": "handbook.pdf",
                    "title": "Handbook",
                    "language": "en",
                    "pages": 12,
                    "characters": 30_100,
                    "chunks": 41,
                    "warnings": [],
                }
            ]
        }
    )

    id: UUID
    document_id: UUID
    number: int
    created_by_id: UUID | None = Field(description="Null once they are forgotten.")
    file_name: str
    media_type: str
    size: int | None
    sha256: str | None
    status: Status
    error: Problem | None
    title: str
    language: str | None
    pages: int | None
    characters: int | None
    chunks: int | None
    warnings: list[str]
    created_at: datetime


class ChunkQuery(PageQuery):
    """In reading order."""


class ChunkRead(Output):
    """A piece of a document, as it is found."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e41",
                    "ordinal": 0,
                    "heading": "Leave › Holidays",  # noqa: RUF001 - as headings are joined
                    "page": 3,
                    "start": 1200,
                    "end": 1388,
                    "text": "Everyone has thirty days.",
                    "embedded": True,
                }
            ]
        }
    )

    id: UUID
    ordinal: int
    heading: str
    page: int | None
    start: int = Field(description="Where it begins in the document's text, in code points.")
    end: int
    text: str
    embedded: bool = Field(description="Whether it is found by meaning, too.")


class DocumentBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class DocumentBulk(Input):
    items: Annotated[list[DocumentBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"action": "delete", "id": _ID}]}]}
    )
