"""Extractions on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.schema import Input, Money, Output
from app.knowledge.graph.schemata.schemas import ModelName

MOST_TARGETS = 20


class ExtractionCreate(Input):
    """What to read, and how: as a schema says, by a model with the usual kinds, or by rules."""

    parent_ids: Annotated[
        list[UUID] | None,
        Field(
            min_length=1,
            max_length=MOST_TARGETS,
            description="Collections, dictionaries, conversations; as the schema says if absent.",
        ),
    ] = None
    schema_id: UUID | None = None
    model: ModelName | None = None
    dictionary_ids: Annotated[
        list[UUID] | None,
        Field(
            max_length=MOST_TARGETS,
            description="Whose terms are found; the workspace's default dictionaries if absent.",
        ),
    ] = None

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"parent_ids": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"]}]}
    )

    @model_validator(mode="after")
    def _check(self) -> "ExtractionCreate":
        if self.parent_ids is None and self.schema_id is None:
            raise ValueError("name what to read: parent_ids, or a schema that is for something")
        return self


class ExtractionRead(Output):
    """An extraction under way: follow its run, and cancel it there."""

    run_id: UUID = Field(description="`GET /v1/runs/{run_id}/events` tells how far it is.")
    extractor: Literal["rules", "model"]
    model: str | None
    passages: int = Field(description="How many passages have not been read like this yet.")
    estimated_input_tokens: int = Field(description="At about four characters a token; 0 by rules.")
    estimated_cost_usd: Money | None = Field(
        description="For the input alone; null where no price is known."
    )
