"""Collections on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Metadata, Name, NotNull, Output, Text, Version, WholeNumber

Slug = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="Its name in requests; unique among the workspace's collections.",
    ),
]
Description = Annotated[Text, Field(max_length=2000)]
Visibility = Annotated[
    Literal["workspace", "private"],
    Field(description="A private one is seen by its owner, and by those it is shared with."),
]
EmbeddingModel = Annotated[
    Text | None,
    Field(
        min_length=3,
        max_length=200,
        description="`<integration slug>/<model>`; null for the one of this machine.",
    ),
]
_CHUNKING: JsonDict = {"tokens": 220, "overlap": 30}


class Chunking(Input):
    """How documents are cut into the pieces that are found."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_CHUNKING]})

    tokens: Annotated[
        WholeNumber,
        Field(
            ge=16,
            le=8192,
            description="A chunk has about so many at most; the model of this machine reads 256.",
        ),
    ] = 220
    overlap: Annotated[
        WholeNumber,
        Field(ge=0, le=4096, description="Tokens that a chunk repeats of the one before it."),
    ] = 30

    @model_validator(mode="after")
    def _overlaps_at_most_half(self) -> "Chunking":
        if self.overlap > self.tokens // 2:
            raise ValueError("`overlap` must be at most half of `tokens`")
        return self


class CollectionCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Handbook", "metadata": {"team": "blue"}}]}
    )

    name: Name
    slug: Annotated[Slug | None, Field(description="Default: made of the name.")] = None
    description: Description = ""
    visibility: Visibility = "workspace"
    embedding_model: EmbeddingModel = None
    chunking: Chunking = Chunking()
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]


class CollectionUpdate(Input):
    """A merge patch. Embedding model and chunking change by `POST …/reindex`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Staff handbook"}]})

    name: Annotated[Name | None, NotNull] = None
    slug: Annotated[Slug | None, NotNull] = None
    description: Description | None = None
    visibility: Annotated[Visibility | None, NotNull] = None
    metadata: Metadata | None = None


class CollectionQuery(RestorableQuery):
    q: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the name.")
    ] = None
    visibility: Annotated[
        Literal["workspace", "private"] | None, Field(description="Only those.")
    ] = None


class CollectionRead(Output):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "owner_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
                    "name": "Handbook",
                    "slug": "handbook",
                    "description": "",
                    "visibility": "workspace",
                    "embedding_model": None,
                    "chunking": _CHUNKING,
                    "metadata": {"team": "blue"},
                    "document_count": 3,
                    "passage_count": 120,
                    "size": 48_211,
                    "reindex_run_id": None,
                    "created_at": "2026-11-02T09:30:00Z",
                    "updated_at": "2026-11-02T09:30:00Z",
                    "deleted_at": None,
                    "restorable_until": None,
                    "version": 1,
                }
            ]
        }
    )

    id: UUID
    owner_id: UUID | None = Field(description="Whoever made it; null once they are forgotten.")
    name: str
    slug: str
    description: str
    visibility: Literal["workspace", "private"]
    embedding_model: str | None = Field(description="Null for the one of this machine.")
    chunking: Chunking
    metadata: dict[str, Any] = Field(validation_alias="labels")
    document_count: int
    passage_count: int = Field(description="Pieces of its documents that can be found.")
    size: int = Field(description="Bytes of its documents' files, in the versions wanted now.")
    reindex_run_id: UUID | None = Field(description="The run that indexes it anew, if one does.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class CollectionBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class CollectionBulk(Input):
    items: Annotated[list[CollectionBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]}
            ]
        }
    )
