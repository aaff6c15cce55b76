"""Exports on the wire."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from app.core.schema import Output

Status = Literal["queued", "running", "ready", "failed", "expired"]
_EXPORT: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e20",
    "status": "ready",
    "entries": 31,
    "entries_total": 31,
    "size_bytes": 48213,
    "sha256": "5f8a6d3c1b2e4f60718293a4b5c6d7e8f9012a3b4c5d6e7f8091a2b3c4d5e6f7",
    "error_code": None,
    "created_at": "2026-11-02T09:30:00Z",
    "ready_at": "2026-11-02T09:30:04Z",
    "expires_at": "2026-11-09T09:30:04Z",
}


class ExportRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXPORT]})

    id: UUID
    status: Status
    entries: int = Field(description="How many tables and files have been looked through.")
    entries_total: int = Field(description="How many there are; 0 until the export has begun.")
    size_bytes: int
    sha256: str | None = Field(description="Of the archive, once it is ready.")
    error_code: str | None
    created_at: AwareDatetime
    ready_at: AwareDatetime | None
    expires_at: AwareDatetime | None = Field(description="When the archive is deleted.")
