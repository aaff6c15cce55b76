"""Taking documents in, on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Input, Metadata, Name, Output, Text, WholeNumber
from app.knowledge.collections.schemas import Chunking, EmbeddingModel


class DocumentImport(Input):
    """A document from an address, which is fetched by the run."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://example.com/handbook.pdf"}]}
    )

    url: Annotated[Text, Field(min_length=8, max_length=2000)]
    name: Annotated[Name | None, Field(description="Default: the last part of the address.")] = None
    metadata: Annotated[Metadata, Field(default_factory=dict)]


class ChunkPreviewRequest(Input):
    """Rules to try on a document; nothing is stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "document_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e21",
                    "chunking": {"tokens": 120, "overlap": 10},
                    "limit": 20,
                }
            ]
        }
    )

    document_id: UUID
    chunking: Chunking
    limit: Annotated[WholeNumber, Field(ge=1, le=200, description="How many chunks are shown.")] = (
        50
    )


class PreviewedChunk(Output):
    ordinal: int
    heading: str
    page: int | None
    start: int = Field(description="Where it begins in the document's text, in code points.")
    end: int
    text: str


class ChunkPreview(Output):
    """The first chunks by the rules that were tried."""

    total: int = Field(description="How many chunks the whole document comes to.")
    data: list[PreviewedChunk]


class ReindexCreate(Input):
    """What is to change; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"embedding_model": None, "chunking": {"tokens": 160}}]}
    )

    embedding_model: EmbeddingModel = None
    chunking: Chunking | None = None


class StartedRun(Output):
    """A run that was started; watch it at `GET /v1/runs/{run_id}/events`."""

    run_id: UUID
