"""Turns on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel, model_validator

from app.chat.conversations.schemas import (
    Collections,
    Compacted,
    ConversationMemory,
    Dictionaries,
    Instructions,
    Memory,
    ModelName,
)
from app.chat.messages.schemas import Content, MessageRead
from app.core.schema import Input, Metadata, Money, Output, Text, WholeNumber


class Parameters(Input):
    """How the model answers; what is absent is left to the provider."""

    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    max_output_tokens: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    seed: Annotated[WholeNumber | None, Field(ge=0, le=2**53)] = None
    stop: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=4),
    ] = None


Stream = Annotated[
    bool, Field(description="Answer with a stream of the run's events instead of the message.")
]


class TurnCreate(Input):
    """What to answer. Without one of the message ids, the turn goes at the end of the branch.

    `edit_message_id` puts `content` beside that user message; `parent_message_id` puts it below
    that assistant message; `regenerate_message_id` takes no content and answers again.
    """

    content: Content | None = None
    model: Annotated[
        ModelName | None, Field(description="Default: the conversation's model, else the usual.")
    ] = None
    stream: Stream = False
    parent_message_id: UUID | None = None
    edit_message_id: UUID | None = None
    regenerate_message_id: UUID | None = None
    memory: Annotated[
        ConversationMemory | None,
        Field(
            description="What this turn draws on of what is remembered, in place of what the "
            "conversation says; null: nothing."
        ),
    ] = None
    parameters: Parameters = Parameters()

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"content": "And in one sentence?", "stream": True}]}
    )

    @model_validator(mode="after")
    def _one_place(self) -> "TurnCreate":
        places = (self.parent_message_id, self.edit_message_id, self.regenerate_message_id)
        if sum(place is not None for place in places) > 1:
            raise ValueError(
                "give at most one of parent_message_id, edit_message_id, regenerate_message_id"
            )
        if (self.content is None) != (self.regenerate_message_id is not None):
            raise ValueError("give content, or regenerate_message_id without content")
        return self


class ChatMessage(Input):
    role: Literal["system", "user", "assistant"]
    content: Content


class ChatCreate(Input):
    """One call from nothing to an answer; the conversation it makes is kept."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    model: ModelName | None = None
    stream: Stream = False
    instructions: Instructions = ""
    collections: Annotated[Collections, Field(default_factory=list)]
    dictionaries: Dictionaries = None
    memory: Memory = None
    compaction: Compacted = None
    metadata: Annotated[Metadata, Field(default_factory=dict)]
    parameters: Parameters = Parameters()

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"messages": [{"role": "user", "content": "Why is the sky blue?"}], "stream": True}
            ]
        }
    )

    @model_validator(mode="after")
    def _ends_with_a_question(self) -> "ChatCreate":
        if self.messages[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return self


class TurnRead(Output):
    """A finished turn."""

    object: Literal["turn"]
    run_id: UUID
    conversation_id: UUID
    message: MessageRead


class TurnEstimate(Output):
    """What a turn would come to; the answer to a dry run."""

    object: Literal["turn_estimate"]
    model: str
    route: str | None = Field(description="The route that chose it; null where it was named.")
    input_tokens: int = Field(description="About four characters a token.")
    max_output_tokens: int | None = Field(description="The request's own bound, if it has one.")
    input_cost_usd: Money | None = Field(description="Null where no price is known.")
    max_cost_usd: Money | None = Field(description="With every output token that is allowed.")


class TurnAnswer(RootModel[Annotated[TurnRead | TurnEstimate, Field(discriminator="object")]]):
    """A turn, or with `dry_run` what it would come to."""
