"""Why a run failed, on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Input, Money, Output, Text
from app.runs.runs.schemas import RunStatus


class ExplanationRequest(Input):
    """Without a model it is told what is known for certain, at no cost."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "openai/gpt-5"}]})

    model: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="Have a model say it in its words too."),
    ] = None
    question: Annotated[
        Text, Field(max_length=2000, description="What the model is to look at; for a model only.")
    ] = ""
    locale: Annotated[
        Text, Field(min_length=2, max_length=35, description="The language of its words.")
    ] = "en"


class Evidence(Output):
    """What a finding rests on."""

    step_ids: list[UUID]
    run_ids: list[UUID] = Field(description="Other runs of the workflow that speak for it.")
    seqs: list[int] = Field(description="Events of the run's log.")
    values: dict[str, Any] = Field(description="What was found there; long values are cut.")


class Finding(Output):
    """Something that is so, with its evidence."""

    id: str = Field(description="`F1`, `F2` …: what others refer to it by.")
    code: Literal[
        "run_failed", "step_failed", "step_handled", "waiting", "attempts_used", "no_retry",
        "fails_always", "fails_often", "first_failure", "changed_since_success", "upstream_empty",
        "inputs_changed",
    ]  # fmt: skip
    detail: str
    path: str | None = Field(description="The step that it is about.")
    evidence: Evidence


class Advice(Output):
    """Something to try."""

    code: str
    detail: str
    because: list[str] = Field(description="Findings that speak for it.")
    operation_id: str | None = Field(description="The operation that does it.")
    body: dict[str, Any] | None = Field(description="What to send it.")


class ModelCause(Output):
    text: str
    because: list[str] = Field(description="Findings that the model gives for it; never none.")


class ModelWords(Output):
    """What a model makes of the findings; what it gave no findings for was left out."""

    model: str
    summary: str
    causes: list[ModelCause]
    advice: list[ModelCause]
    left_out: int = Field(description="Statements without a finding.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None


class Explanation(Output):
    """What failed, on which evidence, and what to try."""

    run_id: UUID
    status: RunStatus
    summary: str
    findings: list[Finding]
    advice: list[Advice]
    words: ModelWords | None
