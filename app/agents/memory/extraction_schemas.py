"""Drawing facts, on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.paging import PageQuery
from app.core.schema import Input, Output, Text

_ID = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"


class SaidByUser(Input):
    """What you said; nothing that others said, or a program."""

    id: Annotated[UUID | None, Field(description="The message's, where it has one.")] = None
    text: Annotated[Text, Field(min_length=1, max_length=24_000)]


class MemoryExtractionCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"source_id": _ID, "messages": [{"text": "I moved to Graz in May."}]}]
        }
    )

    source_kind: Literal["conversation", "run"] = "conversation"
    source_id: Annotated[UUID, Field(description="Facts are drawn from each source once.")]
    messages: Annotated[list[SaidByUser], Field(min_length=1, max_length=200)]
    agent_id: Annotated[UUID | None, Field(description="Whom it was said to.")] = None


class MemoryExtractionQuery(PageQuery):
    """One's own."""


class MemoryExtractionRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _ID,
                    "source_kind": "run",
                    "source_id": _ID,
                    "agent_id": None,
                    "run_id": _ID,
                    "applied_at": "2026-11-02T09:30:00Z",
                    "found": 2,
                    "stored": 1,
                    "dropped": 1,
                    "created_at": "2026-11-02T09:29:58Z",
                }
            ]
        }
    )

    id: UUID
    source_kind: str
    source_id: UUID
    agent_id: UUID | None
    run_id: UUID = Field(description="The run that draws them; how it ended is told there.")
    applied_at: datetime | None = Field(description="When they were stored; null: not yet.")
    found: int = Field(description="Facts that the words bear out.")
    stored: int = Field(description="Those of them that were not known yet.")
    dropped: int = Field(description="What the model said and the words do not bear out.")
    created_at: datetime
