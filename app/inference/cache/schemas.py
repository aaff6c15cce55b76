"""Caches on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Output, Text, Version, WholeNumber
from app.inference.usage.call_scope import CallScope, CallScopeRead

Patterns = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=256)]],
    Field(
        min_length=1,
        max_length=100,
        description="Models and routes as requests name them, with `*`; null: all.",
    ),
]
Sharing = Annotated[
    Literal["workspace", "user", "customer"],
    Field(description="Who gets whose answers: all, each user apart, or each end user apart."),
]
Similarity = Annotated[
    float,
    Field(
        ge=0.5,
        le=1,
        strict=True,
        description="The cosine similarity from which a question counts as the same one; null: "
        "only exactly the same request is answered.",
    ),
]
EmbeddingModel = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=256,
        description="`<integration slug>/<model>`; null: the small model on this machine.",
    ),
]
Seconds = Annotated[
    WholeNumber, Field(ge=1, le=2_592_000, description="How long an answer is given again.")
]
MostEntries = Annotated[
    WholeNumber,
    Field(ge=1, le=1_000_000, description="Beyond it, those that end soonest are dropped."),
]
MostBytes = Annotated[
    WholeNumber, Field(ge=1024, le=1_048_576, description="Longer answers are not kept.")
]
Exact = Annotated[bool, Field(description="Answer exactly the same request from the cache.")]
ZeroOnly = Annotated[bool, Field(description="Only requests with a temperature of 0.")]
ToolCalls = Annotated[bool, Field(description="Also keep answers that call tools.")]
Coalesces = Annotated[
    bool, Field(description="Have identical requests under way at once asked only once.")
]


class CacheCreate(Input):
    name: Name
    enabled: bool = True
    applies_to: Annotated[CallScope, Field(default_factory=CallScope)]
    models: Patterns | None = None
    scope: Sharing = "workspace"
    exact: Exact = True
    similarity: Similarity | None = None
    embedding_model: EmbeddingModel | None = None
    ttl_seconds: Seconds = 3600
    max_entries: MostEntries = 10_000
    max_answer_bytes: MostBytes = 262_144
    zero_temperature_only: ZeroOnly = False
    caches_tool_calls: ToolCalls = False
    coalesces: Coalesces = True

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Questions of the help page", "similarity": 0.9}]}
    )


class CacheUpdate(Input):
    """A merge patch: what is absent stays as it is."""

    name: Annotated[Name | None, NotNull] = None
    enabled: Annotated[bool | None, NotNull] = None
    applies_to: Annotated[CallScope | None, NotNull] = None
    models: Patterns | None = None
    scope: Annotated[Sharing | None, NotNull] = None
    exact: Annotated[Exact | None, NotNull] = None
    similarity: Similarity | None = None
    embedding_model: EmbeddingModel | None = None
    ttl_seconds: Annotated[Seconds | None, NotNull] = None
    max_entries: Annotated[MostEntries | None, NotNull] = None
    max_answer_bytes: Annotated[MostBytes | None, NotNull] = None
    zero_temperature_only: Annotated[ZeroOnly | None, NotNull] = None
    caches_tool_calls: Annotated[ToolCalls | None, NotNull] = None
    coalesces: Annotated[Coalesces | None, NotNull] = None


class CacheQuery(RestorableQuery):
    enabled: Annotated[bool | None, Field(description="Only those that are on, or off.")] = None


class CacheRead(Output):
    id: UUID
    name: str
    enabled: bool
    applies_to: CallScopeRead
    models: list[str] | None = Field(description="Patterns of models and routes; null: all.")
    scope: Literal["workspace", "user", "customer"]
    exact: bool
    similarity: float | None = Field(description="Null: only exactly the same request.")
    embedding_model: str | None = Field(description="Null: the small model on this machine.")
    ttl_seconds: int
    max_entries: int
    max_answer_bytes: int
    zero_temperature_only: bool
    caches_tool_calls: bool
    coalesces: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
