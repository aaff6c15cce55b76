"""Fine-tuning on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.paging import PageQuery
from app.core.schema import Input, Metadata, Money, Output, Text, Version, WholeNumber

Status = Literal[
    "validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"
]
FileId = Annotated[Text, Field(min_length=1, max_length=64)]


class Hyperparameters(Input):
    """How it is trained; what is absent is left to the provider."""

    n_epochs: Annotated[WholeNumber | None, Field(ge=1, le=50)] = None
    batch_size: Annotated[WholeNumber | None, Field(ge=1, le=256)] = None
    learning_rate_multiplier: Annotated[float | None, Field(gt=0, le=10)] = None
    beta: Annotated[
        float | None, Field(gt=0, le=2, description="Of `dpo`: how far it may move.")
    ] = None


class FineTuningJobCreate(Input):
    """A model, and a file of examples that was uploaded with the purpose `fine-tune`."""

    model: Annotated[Text, Field(min_length=1, max_length=256)]
    file_id: FileId
    validation_file_id: FileId | None = None
    method: Annotated[
        Literal["supervised", "dpo"],
        Field(description="Examples of a chat, or pairs of a better and a worse answer."),
    ] = "supervised"
    hyperparameters: Hyperparameters = Hyperparameters()
    suffix: Annotated[Text | None, Field(min_length=1, max_length=64)] = None
    seed: Annotated[WholeNumber | None, Field(ge=0, le=2**31 - 1)] = None
    metadata: Annotated[Metadata, Field(default_factory=dict)]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "openai/gpt-4.1-mini",
                    "file_id": "file-01976f6e2d3a7c419d526a1f0c9b7e11",
                    "hyperparameters": {"n_epochs": 3},
                }
            ]
        }
    )


class FineTuningJobQuery(PageQuery):
    status: Annotated[Status | None, Field(description="Only those in this state.")] = None


class UpstreamQuery(Input):
    """A page of what a provider tells of a job."""

    limit: Annotated[int, Field(ge=1, le=100, description="Items a page.")] = 50
    after: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="`last_id` of the page before."),
    ] = None


class DataSetReport(Output):
    """What was found in a data set."""

    examples: int
    tokens: int = Field(description="All of them, at about four characters a token.")
    longest: int = Field(description="Tokens of the longest example.")
    repeated: list[int] = Field(description="Lines that say what an earlier one says.")
    estimated_cost_usd: Money | None = Field(description="Null where no price is known.")


class FineTuningJobRead(Output):
    """A model that is trained at its provider."""

    id: UUID
    run_id: UUID = Field(description="What follows it here: `GET /v1/runs/{run_id}`.")
    status: Status
    model: str = Field(validation_alias="reference")
    method: Literal["supervised", "dpo"]
    fine_tuned_model: str | None = Field(
        validation_alias="fine_tuned_reference", description="What to ask for, once it is there."
    )
    report: DataSetReport
    trained_tokens: int | None = Field(description="As the provider counts them.")
    error: dict[str, Any] | None = Field(description="What the provider says went wrong.")
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    version: Version


class FineTuningEventRead(Output):
    """Something that the provider tells of the training."""

    id: str
    created_at: datetime
    level: str
    message: str
    metrics: dict[str, Any] | None


class FineTuningCheckpointRead(Output):
    """A state of the model on the way, which can be asked too."""

    id: str
    created_at: datetime
    step: int
    model: str
    metrics: dict[str, Any]


class FineTuningEventPage(Output):
    data: list[FineTuningEventRead]
    has_more: bool
    last_id: str | None = Field(description="What the next page is asked `after`; null at the end.")


class FineTuningCheckpointPage(Output):
    data: list[FineTuningCheckpointRead]
    has_more: bool
    last_id: str | None = Field(description="What the next page is asked `after`; null at the end.")
