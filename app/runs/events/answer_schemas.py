"""The events of answers: what models say, from what, and how those that are compared do."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import Money, Problem
from app.runs.events.lifecycle_schemas import NUMBER, PATH, LoggedEvent


class MessageCreatedEvent(LoggedEvent):
    """A message exists, and the deltas that follow belong to it."""

    type: Literal["message.created"]
    message_id: UUID
    parent_id: UUID | None = Field(description="The question that it answers, in a conversation.")
    role: Literal["assistant"]
    model: str
    route: str | None = Field(description="The route that chose the model, if one did.")
    conversation_id: UUID | None
    path: str | None = Field(default=None, description=PATH)
    number: int | None = Field(default=None, description=NUMBER)
    agent: str | None = Field(default=None, description="The slug of the agent that speaks.")
    demo: bool = Field(description="Whether the built-in demo provider answers, not a model.")


class TextDeltaEvent(LoggedEvent):
    """More of a message's text."""

    type: Literal["text.delta"]
    message_id: UUID
    text: str
    label: str | None = Field(default=None, description="Whose it is, in a comparison.")


class ReasoningDeltaEvent(LoggedEvent):
    """More of what the model thinks before it answers."""

    type: Literal["reasoning.delta"]
    message_id: UUID
    text: str
    label: str | None = Field(default=None, description="Whose it is, in a comparison.")


class FailoverEvent(LoggedEvent):
    """A model broke off in the middle of its answer, and what follows is another one's."""

    type: Literal["failover"]
    message_id: UUID
    offset: int = Field(description="Characters of the message's text that stood already.")
    from_: str = Field(alias="from", description="The model that broke off.")
    to: str = Field(description="The model that goes on.")
    reason: str = Field(description="The code of the error it broke off with.")
    label: str | None = Field(default=None, description="Whose it is, in a comparison.")


class SourceAddedEvent(LoggedEvent):
    """A passage that the model was shown for its answer, which cites it as `[number]`."""

    type: Literal["source.added"]
    message_id: UUID
    path: str | None = Field(default=None, description=PATH)
    number: int = Field(description="What the answer cites it by.")
    kind: str = Field(description="What it is a piece of: a document, an entry, a message.")
    passage_id: UUID
    subject_id: UUID = Field(description="The document, entry or message.")
    parent_id: UUID | None = Field(description="Its collection, dictionary or conversation.")
    title: str
    heading: str
    quote: str = Field(description="What the model was shown of it.")
    version: int | None = Field(description="The document's version.")
    page: int | None
    start: int | None = Field(description="Where it begins in the document, in code points.")
    end: int | None
    score: float


class MemoryRecalledEvent(LoggedEvent):
    """A memory that the model was shown for its answer; its words are where memories are."""

    type: Literal["memory.recalled"]
    message_id: UUID
    path: str | None = Field(default=None, description=PATH)
    memory_id: UUID
    revision: int = Field(description="Which of its revisions was shown.")
    scope: str = Field(description="Whose it is: `user`, `agent` or `workspace`.")
    kind: str
    score: float


class TermViolationEvent(LoggedEvent):
    """An answer used a term that the dictionaries forbid."""

    type: Literal["term.violation"]
    message_id: UUID
    start: int = Field(description="Where it begins in the message's text, in code points.")
    end: int
    surface: str = Field(description="The term as it was written.")
    preferred: list[str] = Field(description="The terms to use instead, the best first.")
    entry_id: UUID = Field(description="The concept that forbids it.")
    dictionary_id: UUID


class CandidateStartedEvent(LoggedEvent):
    """One of the models of a comparison was let in, and is asked."""

    type: Literal["candidate.started"]
    label: str
    message_id: UUID = Field(description="What the deltas of its answer bear.")
    model: str
    route: str | None = Field(description="The route that chose the model, if one did.")
    request_id: UUID


class _CandidateEnded(LoggedEvent):
    label: str
    model: str | None = Field(description="The model that answered, or was asked last.")
    finish_reason: str | None
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="None where a price is not known.")
    first_token_ms: int | None
    duration_ms: int | None


class CandidateCompletedEvent(_CandidateEnded):
    """One of the models of a comparison has answered."""

    type: Literal["candidate.completed"]


class CandidateFailedEvent(_CandidateEnded):
    """One of the models of a comparison failed; the others go on."""

    type: Literal["candidate.failed"]
    error: Problem
