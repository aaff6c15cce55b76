"""Erasures on the wire."""

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from app.core.schema import Output

Status = Literal["waiting", "blocked", "running", "completed", "cancelled"]
_ERASURE: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e21",
    "certificate_id": "5b8d3c7e-1f4a-4d9b-8a6c-2e7f9d0b3c14",
    "status": "waiting",
    "due_at": "2026-11-03T09:30:00Z",
    "created_at": "2026-11-02T09:30:00Z",
    "started_at": None,
    "completed_at": None,
}
_CERTIFICATE: JsonDict = {
    "certificate_id": "5b8d3c7e-1f4a-4d9b-8a6c-2e7f9d0b3c14",
    "status": "completed",
    "certificate": {
        "format": "luminous-erasure-1",
        "certificate_id": "5b8d3c7e-1f4a-4d9b-8a6c-2e7f9d0b3c14",
        "subject": "2f1e0d9c8b7a69584736251403f2e1d0",
        "requested_by": "person",
        "requested_at": "2026-11-02T09:30:00+00:00",
        "started_at": "2026-11-03T09:30:00+00:00",
        "completed_at": "2026-11-03T09:30:12+00:00",
        "places": [{"place": "postgres/messages", "deleted": 214}],
        "left": 0,
        "key_id": "9c1d2e3f4a5b6c7d",
    },
    "signature": "MEUCIQDk…",
    "public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
}


class ErasureRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_ERASURE]})

    id: UUID
    certificate_id: UUID = Field(
        description="Keep it: with it the certificate is to be had once your account is gone."
    )
    status: Status
    due_at: AwareDatetime = Field(description="When it begins; until then it can be cancelled.")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    completed_at: AwareDatetime | None


class CertificateRead(Output):
    """A certificate, or how far its erasure is.

    `signature` (base64) is Ed25519 over `luminous-erasure-1`, a zero byte, and `certificate` as
    JSON with sorted keys and no spaces.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_CERTIFICATE]})

    certificate_id: UUID
    status: Status
    certificate: dict[str, Any] | None
    signature: str | None
    public_key: str | None = Field(description="Of the key that `key_id` names, in base64.")
