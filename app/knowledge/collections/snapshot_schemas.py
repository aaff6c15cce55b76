"""Snapshots of collections on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, Output, Version

_SNAPSHOT: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e61",
    "collection_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "created_by_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "name": "Before the move",
    "document_count": 3,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "deleted_at": None,
    "restorable_until": None,
    "version": 1,
}


class SnapshotCreate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Before the move"}]})

    name: Name


class SnapshotQuery(RestorableQuery):
    """Newest first."""


class SnapshotRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_SNAPSHOT]})

    id: UUID
    collection_id: UUID
    created_by_id: UUID | None = Field(description="Null once they are forgotten.")
    name: str
    document_count: int = Field(description="How many documents the collection had.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
