"""Dictionaries on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Metadata, NotNull, Output, Version
from app.knowledge.dictionary.wording import Block, LanguageTag, Line

MOST_LANGUAGES = 50

Slug = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        description="Its name in addresses and settings; unique in the workspace.",
    ),
]
DictionaryName = Annotated[Line, Field(max_length=200)]
Description = Annotated[Block, Field(max_length=4_000)]
Languages = Annotated[
    list[LanguageTag],
    Field(max_length=MOST_LANGUAGES, description="Those that its entries are kept in."),
]
IsDefault = Annotated[
    bool,
    Field(
        description="It holds in the whole workspace, wherever an agent or a conversation names "
        "no dictionaries of its own. Several may be default."
    ),
]

Include = Annotated[
    Literal["total", "counts"] | None,
    Field(description="`total`: count the whole list; `counts`: count each one's entries."),
]


class DictionaryCreate(Input):
    slug: Slug
    name: DictionaryName | None = Field(default=None, description="Default: the slug.")
    description: Description | None = None
    languages: Languages = Field(default_factory=list)
    is_default: IsDefault = False
    metadata: Metadata = Field(default_factory=dict, description="Your own labels; at most 16 KiB.")

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"slug": "products", "name": "Products", "languages": ["en", "de"]}]
        }
    )


class DictionaryUpdate(Input):
    """A merge patch: what is absent stays."""

    slug: Annotated[Slug | None, NotNull] = None
    name: Annotated[DictionaryName | None, NotNull] = None
    description: Description | None = None
    languages: Annotated[Languages | None, NotNull] = None
    is_default: Annotated[IsDefault | None, NotNull] = None
    metadata: Metadata | None = None


class DictionaryQuery(RestorableQuery):
    include: Include = None  # type: ignore[assignment]  # it offers more than other lists do


class EntryCounts(Output):
    """Living entries by status."""

    draft: int
    proposed: int
    approved: int
    deprecated: int
    total: int


class DictionaryRead(Output):
    id: UUID
    slug: str
    name: str
    description: str
    languages: list[str]
    is_default: bool
    metadata: dict[str, Any] = Field(validation_alias="labels")
    counts: EntryCounts | None = Field(description="Where `include=counts` asks for them.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
