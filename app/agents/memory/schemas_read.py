"""Memories on the wire: what is answered."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.agents.memory.schemas import Kind, Scope, Status
from app.core.schema import Output, Version

Cause = Literal["told", "edited", "superseded", "accepted", "undone", "restored"]
_ID = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"
_USER = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10"
_MOMENT = "2026-11-02T09:30:00Z"


class MemoryPeriod(Output):
    """From `valid_from` up to `valid_to`; null: until something else is told."""

    valid_from: datetime
    valid_to: datetime | None


class MemorySource(Output):
    """Why it is remembered."""

    kind: Literal["message", "run", "user", "import"]
    message_id: UUID | None
    run_id: UUID | None
    conversation_id: UUID | None
    agent_id: UUID | None
    quote: str | None


class MemoryRevisionRead(Output):
    """What was believed of a memory for a time."""

    number: int
    cause: Cause = Field(description="What change made it.")
    status: Status
    text: str
    subject: str | None
    predicate: str | None
    object: str | None
    confidence: float
    periods: list[MemoryPeriod] = Field(description="When it holds; empty: never.")
    valid_from: datetime | None
    valid_to: datetime | None
    known_from: datetime = Field(description="From then on it was believed,")
    known_to: datetime | None = Field(description="up to then; null: it still is.")
    superseded_by_id: UUID | None = Field(description="The memory that took time from it.")
    changed_by_id: UUID | None


class MemoryRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID,
                    "scope": "user",
                    "user_id": _USER,
                    "agent_id": None,
                    "kind": "fact",
                    "status": "active",
                    "text": "Anna lives in Vienna.",
                    "subject": "user",
                    "predicate": "lives in",
                    "object": "Vienna",
                    "confidence": 1.0,
                    "periods": [{"valid_from": _MOMENT, "valid_to": None}],
                    "valid_from": _MOMENT,
                    "valid_to": None,
                    "known_from": _MOMENT,
                    "known_to": None,
                    "revision": 1,
                    "superseded_by_id": None,
                    "origin": {
                        "kind": "user",
                        "message_id": None,
                        "run_id": None,
                        "conversation_id": None,
                        "agent_id": None,
                        "quote": None,
                    },
                    "expires_at": None,
                    "confirmed_at": _MOMENT,
                    "created_by_id": _USER,
                    "created_at": _MOMENT,
                    "updated_at": _MOMENT,
                    "deleted_at": None,
                    "restorable_until": None,
                    "version": 1,
                }
            ]
        }
    )

    id: UUID
    scope: Scope
    user_id: UUID | None = Field(description="Whose own it is, of the scope `user`.")
    agent_id: UUID | None
    kind: Kind
    status: Status
    text: str
    subject: str | None
    predicate: str | None
    object: str | None
    confidence: float
    periods: list[MemoryPeriod] = Field(description="When it holds; empty: it was taken back.")
    valid_from: datetime | None
    valid_to: datetime | None
    known_from: datetime = Field(description="Since when this is believed of it.")
    known_to: datetime | None = Field(description="Until when it was; null: it still is.")
    revision: int = Field(description="The number of what is shown in the memory's history.")
    superseded_by_id: UUID | None = Field(description="The memory that took time from it last.")
    origin: MemorySource
    expires_at: datetime | None
    confirmed_at: datetime = Field(description="When it was told last.")
    created_by_id: UUID | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class RecalledMemory(Output):
    """A memory that the model would be shown."""

    id: UUID
    scope: Scope
    kind: Kind
    text: str
    score: float = Field(description="Relevance by recency by confidence.")
    relevance: float
    recency: float
    confidence: float
    tokens: int


class LeftOutMemory(Output):
    """A memory that it would not be shown, and why."""

    id: UUID
    text: str
    reason: Literal[
        "budget", "duplicate", "expired", "not_relevant", "not_yet_valid", "superseded",
        "taken_back",
    ] = Field(description="Superseded ones held once, and do no more.")  # fmt: skip
    score: float


class RecallRead(Output):
    """What is recalled for a question; `prompt` is how a model would be shown it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"shown": [], "left_out": [], "tokens": 0, "prompt": "", "warnings": []}]
        }
    )

    shown: list[RecalledMemory]
    left_out: list[LeftOutMemory] = Field(description="At most 100, the best first.")
    tokens: int
    prompt: str
    warnings: list[str] = Field(description="What could not be searched.")
