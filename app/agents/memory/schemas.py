"""Memories on the wire: what is sent."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from app.core.bulk import MOST_ITEMS
from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Moment, NotNull, Number, Text, WholeNumber

Scope = Literal["user", "agent", "workspace"]
Kind = Literal["fact", "preference", "event", "instruction"]
Status = Literal["active", "proposed", "declined"]
MemoryText = Annotated[Text, Field(min_length=1, max_length=2000)]
Part = Annotated[Text, Field(min_length=1, max_length=200)]
Confidence = Annotated[Number, Field(ge=0, le=1)]
_FACT: JsonDict = {
    "text": "Anna lives in Vienna.",
    "subject": "user",
    "predicate": "lives in",
    "object": "Vienna",
    "valid_from": "2026-11-01T00:00:00Z",
}


def _usual_scopes() -> list[Scope]:
    return ["user", "workspace"]


class MemoryOrigin(Input):
    """Why it is remembered."""

    kind: Literal["message", "run", "user", "import"] = "user"
    message_id: UUID | None = None
    run_id: UUID | None = None
    conversation_id: UUID | None = None
    quote: Annotated[
        Text | None, Field(max_length=1000, description="The words that it was drawn from.")
    ] = None


class MemoryCreate(Input):
    """A fact; with `subject`, `predicate` and `object` in place of what was told before."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FACT]})

    scope: Annotated[
        Scope, Field(description="Your own, an agent's, or everyone's in the workspace.")
    ] = "user"
    agent_id: Annotated[UUID | None, Field(description="Of the scope `agent`.")] = None
    kind: Kind = "fact"
    text: MemoryText
    subject: Part | None = None
    predicate: Annotated[
        Part | None,
        Field(description="One that is not multi-valued has one object at a time."),
    ] = None
    object: Part | None = None
    valid_from: Annotated[
        Moment | None, Field(description="When it began to hold; default: now.")
    ] = None
    valid_to: Annotated[
        Moment | None,
        Field(description="When it ceases to hold; null: until something else is told."),
    ] = None
    confidence: Confidence = 1.0
    expires_at: Annotated[Moment | None, Field(description="When it is forgotten by itself.")] = (
        None
    )
    origin: MemoryOrigin = MemoryOrigin()

    @model_validator(mode="after")
    def _check(self) -> "MemoryCreate":
        if (self.scope == "agent") != (self.agent_id is not None):
            raise ValueError("`agent_id` goes with the scope `agent`, and with no other")
        given = {part is None for part in (self.subject, self.predicate, self.object)}
        if len(given) > 1:
            raise ValueError("give all of `subject`, `predicate` and `object`, or none")
        return self


class MemoryUpdate(Input):
    """A merge patch, as a correction: what was believed before stays in the history."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Anna lives in Graz."}]})

    text: Annotated[MemoryText | None, NotNull] = None
    subject: Part | None = None
    predicate: Part | None = None
    object: Part | None = None
    valid_from: Annotated[Moment | None, NotNull] = None
    valid_to: Moment | None = None
    confidence: Annotated[Confidence | None, NotNull] = None
    expires_at: Moment | None = None


class MemoryQuery(RestorableQuery):
    scope: Annotated[Scope | None, Field(description="Only those.")] = None
    agent_id: Annotated[UUID | None, Field(description="Only this agent's.")] = None
    kind: Annotated[Kind | None, Field(description="Only those.")] = None
    status: Annotated[Status | None, Field(description="Only those; default: the active.")] = None
    q: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the text.")
    ] = None
    subject: Annotated[Part | None, Field(description="Only facts about this.")] = None
    predicate: Annotated[Part | None, Field(description="Only facts with this one.")] = None
    valid_at: Annotated[
        Moment | None, Field(description="What held at this instant; default: at any.")
    ] = None
    known_at: Annotated[
        Moment | None,
        Field(description="What was believed at this instant, as it was then; default: now."),
    ] = None

    @model_validator(mode="after")
    def _usual(self) -> "MemoryQuery":
        if self.status is None and not self.deleted:
            self.status = "active"
        return self


class RevisionQuery(PageQuery):
    """The revisions of one memory."""


class MemoryBulkItem(Input):
    action: Literal["forget", "restore", "accept", "decline"]
    id: UUID


class MemoryBulk(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"items": [{"action": "forget", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]}
            ]
        }
    )

    items: Annotated[list[MemoryBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]


class RecallCreate(Input):
    """A question, as an agent would be asked it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": "Where does Anna live?", "tokens": 500}]}
    )

    question: Annotated[Text, Field(min_length=1, max_length=8000)]
    scopes: Annotated[
        list[Scope], Field(min_length=1, max_length=3, description="Whose memories.")
    ] = Field(default_factory=_usual_scopes)
    agent_id: Annotated[UUID | None, Field(description="Whose, of the scope `agent`.")] = None
    tokens: Annotated[WholeNumber, Field(ge=0, le=32_000, description="Of the prompt.")] = 1000
    at: Annotated[Moment | None, Field(description="What held at this instant; default: now.")] = (
        None
    )

    @model_validator(mode="after")
    def _check(self) -> "RecallCreate":
        if "agent" in self.scopes and self.agent_id is None:
            raise ValueError("`agent_id` goes with the scope `agent`")
        return self


def span_of(new: MemoryCreate, moment: datetime) -> tuple[datetime, datetime | None]:
    """When a fact holds that is told at `moment`."""
    return new.valid_from or moment, new.valid_to
