"""What could come next, and what behaviour suggests, on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.automation.generation.schemas import Allow, GenerationContext, Locale, Model
from app.automation.language.flow import NodeId
from app.automation.workflows.schemas import Definition
from app.core.schema import FieldProblem, Input, Money, Output, Text, WholeNumber

_FLOW: dict[str, Any] = {
    "dsl": "flow/1",
    "nodes": [{"id": "greet", "type": "transform", "with": {"value": "Hello"}}],
}


class NextNodesWanted(Input):
    """How a definition could go on: a model proposes, each proposal is checked in its place."""

    kind: Literal["definition"]
    definition: Definition
    after: Annotated[
        NodeId | None, Field(description="By default the last node that leads nowhere.")
    ] = None
    goal: Annotated[Text, Field(max_length=2000, description="What it is to come to.")] = ""
    limit: Annotated[WholeNumber, Field(ge=1, le=5)] = 5
    model: Model = None
    locale: Locale = "en"
    context: GenerationContext = Field(default_factory=GenerationContext)
    allow: Allow = Field(default_factory=list)


class AutomationsWanted(Input):
    """What the caller does again and again, counted; a model is asked for `words` alone."""

    kind: Literal["behaviour"]
    days: Annotated[WholeNumber, Field(ge=1, le=90, description="How far back.")] = 30
    support: Annotated[
        WholeNumber, Field(ge=2, le=100, description="How often something was seen, at least.")
    ] = 3
    whose: Annotated[
        Literal["mine", "visible"],
        Field(
            description="`visible`: others' runs of workflows, too, as far as you see them. "
            "Agents' runs are your own in any case."
        ),
    ] = "mine"
    time_zone: Annotated[
        Text, Field(min_length=1, max_length=64, description="As `Europe/Berlin`.")
    ] = "UTC"
    limit: Annotated[WholeNumber, Field(ge=1, le=20)] = 10
    words: Annotated[bool, Field(description="Have a model name them; that costs.")] = False
    model: Model = None
    locale: Locale = "en"

    @model_validator(mode="after")
    def _heard(self) -> Self:
        if self.model is not None and not self.words:
            raise ValueError("names a model, which only `words` asks for")
        return self


class WorkflowSuggest(Input):
    """What is to be suggested: from a definition, or from behaviour."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"from": {"kind": "definition", "definition": _FLOW}},
                {"from": {"kind": "behaviour", "time_zone": "Europe/Berlin"}},
            ]
        }
    )

    from_: Annotated[NextNodesWanted | AutomationsWanted, Field(alias="from", discriminator="kind")]


class Quote(Output):
    text: str
    start: int
    end: int


class NextEvidence(Output):
    """What speaks for a proposal."""

    words: Quote | None = Field(description="What of the goal asks for it.")
    workflows: int = Field(description="In how many workflows that you see it comes after this.")
    workflow_ids: list[UUID] = Field(description="The first ten of them.")


class NextNode(Output):
    node: dict[str, Any]
    edge: dict[str, Any] | None = Field(description="That leads to it.")
    scope: str = Field(description="A pointer to the scope that both belong to.")
    why: str
    confidence: float = Field(description="The model's own, from 0 to 1.")
    warnings: list[FieldProblem]
    evidence: NextEvidence


class LeftOut(Output):
    """What a model proposed, and what is wrong with it there."""

    node: dict[str, Any] | None
    errors: list[FieldProblem]


class SuggestedUsage(Output):
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None


class SeenEvidence(Output):
    """What was counted: `support` of `occasions`."""

    support: int
    occasions: int
    first_at: datetime
    last_at: datetime
    run_ids: list[UUID] = Field(description="The newest fifty runs that it was seen in.")


class SeenAutomation(Output):
    """What could do what somebody does again and again. Nothing of it is made, or switched on."""

    id: str
    kind: Literal["schedule", "chain", "tools"]
    name: str
    why: str
    confidence: float = Field(description="`support` over `occasions`.")
    trigger: dict[str, Any] | None = Field(
        description="The body of a `POST /v1/workflow-triggers`; not enabled."
    )
    definition: dict[str, Any] | None
    varying: list[str] = Field(description="Inputs that were not the same each time.")
    errors: list[FieldProblem] = Field(description="What is still to be mended in it.")
    warnings: list[FieldProblem]
    evidence: SeenEvidence


class WorkflowSuggestions(Output):
    """Of the two lists the one that was asked for."""

    nodes: list[NextNode]
    automations: list[SeenAutomation]
    left_out: list[LeftOut]
    looked_at: dict[str, int] = Field(description="How many of what; only of behaviour.")
    usage: SuggestedUsage | None = Field(description="Null where no model was asked.")
