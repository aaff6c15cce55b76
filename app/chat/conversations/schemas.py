"""Conversations on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.agents.definitions.definition import Compaction
from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Metadata, Name, NotNull, Output, Text, Version, WholeNumber

Instructions = Annotated[Text, Field(max_length=100_000, description="The system prompt.")]
ModelName = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=200,
        description="`<integration slug>/<model>` or a model's own name; see `GET /v1/models`.",
    ),
]


Collections = Annotated[
    list[UUID],
    Field(
        max_length=20,
        description="Collections that answers draw on: their best passages are shown to the model.",
    ),
]
Dictionaries = Annotated[
    list[UUID] | None,
    Field(
        max_length=20,
        description="Dictionaries that answers hold to. Null: the workspace's default ones.",
    ),
]


class ConversationMemory(Input):
    """What answers draw on of what is remembered: of whoever asks, and of the workspace."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"scopes": ["user"]}]})

    scopes: Annotated[
        list[Literal["user", "workspace"]],
        Field(max_length=2, description="Whose memories are recalled; empty: none."),
    ] = Field(default_factory=list)
    extract: Annotated[
        bool, Field(description="Whether facts are drawn from what is asked, after the answer.")
    ] = False
    blocks: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=64)]],
        Field(max_length=16, description="Shared blocks that are always shown, by their labels."),
    ] = Field(default_factory=list)
    tokens: Annotated[WholeNumber, Field(ge=0, le=32_000, description="Of the prompt.")] = 1000


Memory = Annotated[
    ConversationMemory | None,
    Field(
        description="What answers draw on of what is remembered; null: nothing. The memories of "
        "others who take part are recalled where their own turn asks for it."
    ),
]
Compacted = Annotated[
    Compaction | None,
    Field(description="What becomes of a history that is too long; null: its oldest is left out."),
]


class ConversationCreate(Input):
    title: Name | None = None
    model: ModelName | None = None
    instructions: Instructions = ""
    collections: Annotated[Collections, Field(default_factory=list)]
    dictionaries: Dictionaries = None
    memory: Memory = None
    compaction: Compacted = None
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Holiday plans", "metadata": {"team": "blue"}}]}
    )


class ConversationUpdate(Input):
    """A merge patch: what is absent stays; a null model means the default again."""

    title: Name | None = None
    model: ModelName | None = None
    instructions: Instructions | None = None
    collections: Annotated[Collections | None, NotNull] = None
    dictionaries: Dictionaries = None
    memory: Memory = None
    compaction: Compacted = None
    metadata: Metadata | None = None


class ConversationQuery(RestorableQuery):
    q: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="Words in the title or in a message."),
    ] = None
    shared: Annotated[
        bool, Field(description="List those that others share with you instead of your own.")
    ] = False


class ConversationRead(Output):
    id: UUID
    user_id: UUID = Field(description="Whose it is.")
    title: str
    title_source: Literal["none", "model", "fallback", "user"]
    model: str | None
    instructions: str
    collections: list[UUID] = Field(description="Collections that answers draw on.")
    dictionaries: list[UUID] | None = Field(
        description="Dictionaries that answers hold to. Null: the workspace's default ones."
    )
    memory: Memory
    compaction: Compacted
    metadata: dict[str, Any] = Field(validation_alias="labels")
    current_message_id: UUID | None = Field(description="The leaf of the branch that is shown.")
    active_run_id: UUID | None = Field(description="The turn under way.")
    last_active_at: datetime
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class ConversationBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class ConversationBulk(Input):
    items: Annotated[list[ConversationBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]
