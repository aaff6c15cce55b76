"""The audit trail on the wire."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from app.core.paging import PageQuery
from app.core.schema import Input, Output, Text

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def _within_reason(value: datetime) -> datetime:
    if not _FIRST <= value < _LAST:
        raise ValueError("must lie between the years 2000 and 9000")
    return value


Time = Annotated[AwareDatetime, AfterValidator(_within_reason)]
Word = Annotated[Text, Field(min_length=1, max_length=200)]


class AuditFilters(Input):
    """What is looked for; all that are given must be met."""

    action: Annotated[
        Word | None, Field(description="`session.created`, or an operation: `api_keys_update`.")
    ] = None
    actor_id: Annotated[UUID | None, Field(description="The user who did it.")] = None
    resource_type: Word | None = None
    resource_id: Word | None = None
    outcome: Literal["success", "refused"] | None = None
    request_id: Annotated[Word | None, Field(description="The `X-Request-Id` of the answer.")] = (
        None
    )
    since: Annotated[Time | None, Field(description="From this time on.")] = None
    until: Annotated[Time | None, Field(description="Before this time.")] = None


class AuditLogQuery(PageQuery, AuditFilters):
    """One page of what is looked for."""


class AuditExportQuery(AuditFilters):
    format: Annotated[
        Literal["jsonl", "csv"],
        Field(description="`jsonl` can be verified with `luminous audit verify`."),
    ] = "jsonl"


class AuditActor(Output):
    """Who did it; a null id is someone who had not signed in, or the service itself."""

    id: UUID | None
    credential: Literal["session", "api_key"] | None
    credential_id: UUID | None


class AuditResource(Output):
    """What it was done to."""

    type: str
    id: str | None


class AuditChange(Output):
    """What became of one row. Secrets are `[hidden]`, what was erased is `[erased]`."""

    kind: Literal["created", "updated", "deleted"]
    resource_type: str
    resource_id: str | None
    rows: int | None = Field(
        description="How many rows, where one statement changed many; 0 where nobody counted."
    )
    before: dict[str, Any]
    after: dict[str, Any]


class AuditLogRead(Output):
    """One thing that happened. `sequence` and `hash` are its place in the workspace's chain."""

    id: UUID
    sequence: int
    at: datetime
    action: str
    operation: str | None = Field(description="The operation of the API that was called.")
    outcome: Literal["success", "refused"]
    actor: AuditActor
    resource: AuditResource
    request_id: str | None
    address: str | None
    user_agent: str | None
    detail: dict[str, Any] | None
    changes: list[AuditChange]
    erased: list[str] = Field(description="The values that were erased since, by name.")
    hash: str

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "sequence": 42,
                    "at": "2026-11-21T09:00:00Z",
                    "action": "conversations_update",
                    "operation": "conversations_update",
                    "outcome": "success",
                    "actor": {
                        "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
                        "credential": "session",
                        "credential_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e13",
                    },
                    "resource": {
                        "type": "conversation",
                        "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e14",
                    },
                    "request_id": "req_01976f6e2d3a7c419d526a1f0c9b7e15",
                    "address": "203.0.113.7",
                    "user_agent": "Mozilla/5.0",
                    "detail": None,
                    "changes": [
                        {
                            "kind": "updated",
                            "resource_type": "conversation",
                            "resource_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e14",
                            "rows": None,
                            "before": {"model": "openai/gpt-5.5"},
                            "after": {"model": "anthropic/claude-opus-5"},
                        }
                    ],
                    "erased": [],
                    "hash": "9f2c" * 16,
                }
            ]
        }
    )


class AuditCheckpointRead(Output):
    """A signed statement of how many rows the trail had, and the hash of the last of them."""

    id: UUID
    number: int
    oldest: int = Field(description="The lowest number of a checkpoint kept at that time.")
    kind: Literal["interval", "export", "prune"]
    count: int
    shown: int | None = Field(description="Of an export: how many rows its file holds in full.")
    head: str
    at: datetime
    key_id: str
    public_key: str | None = Field(
        description="The Ed25519 key in base64: what `luminous audit verify --key` takes."
    )
    signature: str
