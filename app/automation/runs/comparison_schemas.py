"""Two runs side by side, on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Input, Money, Output, Text, WholeNumber
from app.runs.runs.schemas import RunStatus


class ComparisonRequest(Input):
    """Which two runs; they may be of different workflows."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "a": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "b": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
                    "only": "different",
                }
            ]
        }
    )

    a: UUID
    b: UUID
    only: Annotated[
        Literal["all", "different"],
        Field(description="`different`: without nodes that ended alike in both."),
    ] = "all"
    cursor: Annotated[
        Text | None, Field(max_length=4000, description="`next_cursor` of the part before.")
    ] = None
    limit: Annotated[WholeNumber, Field(ge=1, le=200, description="Nodes at once.")] = 100


class ComparedRun(Output):
    id: UUID
    status: RunStatus
    workflow: str
    workflow_version: int | None
    seconds: float | None = Field(description="From its start to its end.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")


class ComparedStep(Output):
    """How a node ended in one of the runs."""

    step_id: UUID
    status: Literal["ok", "error", "cached"]
    port: str
    attempts: int
    seconds: float | None = Field(description="Of the last attempt.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Of all attempts.")
    copied: bool = Field(description="Taken over from another run; it cost nothing here.")
    error: dict[str, Any] | None


class ValueDifference(Output):
    """`a` and `b` are cut to a preview where they are long; what is not there is null."""

    pointer: str = Field(description="Into the value: `/rows/0/name`; empty of the whole.")
    action: Literal["added", "removed", "replaced"] = Field(description="From `a` to `b`.")
    a: Any
    b: Any


class ComparedNode(Output):
    path: str
    node_id: str
    node_type: str
    only_in: Literal["a", "b"] | None = Field(description="Null where it ended in both.")
    differs: bool = Field(description="In how it ended, by which port, or in what it gave.")
    a: ComparedStep | None
    b: ComparedStep | None
    input: list[ValueDifference] = Field(description="At most fifty.")
    output: list[ValueDifference] = Field(description="At most fifty.")
    too_large: bool = Field(description="Whether a value is too large to be looked into.")


class Comparison(Output):
    """Two runs, node by node. Nodes that are computed on the spot are not kept, and not here."""

    a: ComparedRun
    b: ComparedRun
    inputs: list[ValueDifference] = Field(description="Of the runs themselves.")
    output: list[ValueDifference] = Field(description="Of the runs themselves.")
    definition: list[ValueDifference] = Field(description="Of what they were run by.")
    nodes: list[ComparedNode] = Field(description="By path.")
    only_in_a: int
    only_in_b: int
    different: int = Field(description="Of those in both.")
    alike: int
    has_more: bool
    next_cursor: str | None = Field(description="For `cursor`, to have the nodes that follow.")
