"""Batches on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.paging import PageQuery
from app.core.schema import Input, Metadata, Output, Text, Version

MOST_LINES = 10_000
Operation = Literal["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages"]
Processing = Literal["auto", "paced"]
Status = Literal["in_progress", "cancelling", "completed", "failed", "cancelled", "expired"]


class BatchRequest(Input):
    """One line: a request as its vendor's API takes it, under a name of the client's own."""

    custom_id: Annotated[Text, Field(min_length=1, max_length=512)]
    method: Literal["POST"] = "POST"
    url: Operation
    body: Annotated[
        dict[str, Any],
        Field(description="The request of that operation; `stream` may not be set."),
    ]


class BatchCreate(Input):
    """Requests, or the id of a file that holds one as a JSON object on every line."""

    requests: Annotated[list[BatchRequest] | None, Field(min_length=1, max_length=MOST_LINES)] = (
        None
    )
    file_id: Annotated[
        Text | None,
        Field(max_length=64, description="Of `POST /openai/v1/files` with the purpose `batch`."),
    ] = None
    processing: Annotated[
        Processing,
        Field(
            description=(
                "`auto` leaves lines to the batch API of their provider where it has one, at the "
                "price of that; `paced` asks for each of them as for any other request."
            )
        ),
    ] = "auto"
    metadata: Annotated[Metadata, Field(default_factory=dict)]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "requests": [
                        {
                            "custom_id": "one",
                            "url": "/v1/chat/completions",
                            "body": {
                                "model": "openai/gpt-4.1",
                                "messages": [{"role": "user", "content": "Hello"}],
                            },
                        }
                    ]
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _from_one_place(self) -> "BatchCreate":
        if (self.requests is None) == (self.file_id is None):
            raise ValueError("give either `requests` or `file_id`")
        return self


class BatchQuery(PageQuery):
    status: Annotated[Status | None, Field(description="Only those in this state.")] = None


class ResultsQuery(Input):
    status: Annotated[
        Literal["succeeded", "failed"] | None, Field(description="Only lines that ended so.")
    ] = None


class BatchRead(Output):
    """Requests that are carried out when there is time, and how far that is."""

    id: UUID
    run_id: UUID = Field(description="Its events and what it cost: `GET /v1/runs/{run_id}`.")
    status: Status
    processing: Processing
    endpoint: str | None = Field(description="Set where all lines are of one operation.")
    total: int
    succeeded: int
    failed: int
    metadata: dict[str, Any] = Field(validation_alias="labels")
    expires_at: datetime = Field(description="Lines that were not begun by then expire.")
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    version: Version
