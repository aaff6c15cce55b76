"""What came of help from a model, on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, RootModel

from app.automation.runs.explain_schemas import Evidence
from app.core.schema import FieldProblem, Money, Output, Problem
from app.runs.runs.schemas import RunStatus


class Quote(Output):
    """Words that were said, and where: `text[start:end]`, counted in characters."""

    text: str
    start: int
    end: int


class HelpUsage(Output):
    """What models were asked for it, over all calls."""

    model: str = Field(description="The one that answered last.")
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")


class WrittenNode(Output):
    id: str
    type: str
    pointer: str = Field(description="Where it stands: `/definition/nodes/0`.")
    why: str = Field(description="The model's reason; may be empty.")
    words: Quote | None = Field(description="What of the description asks for it.")


class UsedThing(Output):
    """Something of the workspace that a definition calls by its name."""

    pointer: str
    kind: str = Field(description="`agent`, `tool`, `collection`, `workflow` …")
    name: str


class GenerationEvidence(Output):
    uses: list[UsedThing]
    unfounded: list[str] = Field(description="Ids of nodes that no words ask for.")


class WorkflowGenerated(Output):
    """A definition that validates, with what speaks for each of its parts."""

    object: Literal["workflow_generation"]
    definition: dict[str, Any] = Field(description="For `POST /v1/workflows`.")
    nodes: list[WrittenNode]
    warnings: list[FieldProblem] = Field(description="What to look at before it is used.")
    assumptions: list[str] = Field(description="What the model took for granted.")
    evidence: GenerationEvidence
    usage: HelpUsage


class RepairEvidence(Output):
    """What is wrong, and was told to the model; which fields are not null, `kind` says."""

    id: str = Field(description="`M1` a mistake, `W1` a warning, `F1` a finding, `A1` advice.")
    kind: Literal["mistake", "warning", "finding", "advice"]
    code: str
    detail: str
    pointer: str | None = Field(description="Of a mistake or a warning: where it is.")
    path: str | None = Field(description="Of a finding: the step that it is about.")
    evidence: Evidence | None = Field(description="Of a finding: what it rests on.")
    because: list[str] | None = Field(description="Of advice: ids of the findings behind it.")


class RepairChange(Output):
    what: str
    why: str
    because: list[str] = Field(description="Ids of the evidence that it rests on; never none.")


class ProposedRerun(Output):
    """How to have the run done again from there; nothing is done by itself."""

    operation_id: Literal["workflow_runs_rerun"]
    workflow_run_id: UUID
    body: dict[str, Any] | None = Field(description="Null where there is nothing to do again.")


class WorkflowRepaired(Output):
    """A whole definition that validates, and what was changed on which evidence."""

    object: Literal["workflow_repair"]
    definition: dict[str, Any]
    patch: list[dict[str, Any]] = Field(
        description="A JSON patch (RFC 6902) from the old definition; 200 operations at most."
    )
    patch_truncated: bool
    changes: list[RepairChange]
    left_out: int = Field(description="Changes for which the model named no evidence.")
    warnings: list[FieldProblem]
    assumptions: list[str] = Field(description="What the model took for granted.")
    evidence: list[RepairEvidence]
    rerun: ProposedRerun | None = Field(description="Null of a definition.")
    usage: HelpUsage


class NextEvidence(Output):
    """What speaks for a proposal."""

    words: Quote | None = Field(description="What of the goal asks for it.")
    workflows: int = Field(description="In how many workflows that you see it comes after this.")
    workflow_ids: list[UUID] = Field(description="The first ten of them.")


class NextNode(Output):
    node: dict[str, Any]
    edge: dict[str, Any] = Field(description="That leads to it.")
    scope: str = Field(description="A pointer to the scope that both belong to.")
    why: str
    confidence: float = Field(description="The model's own, from 0 to 1.")
    warnings: list[FieldProblem]
    evidence: NextEvidence


class LeftOut(Output):
    """What a model proposed, and what is wrong with it there."""

    node: dict[str, Any] | None = Field(description="Null where it was no node at all.")
    errors: list[FieldProblem]


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
        description="Of a schedule: the body of a `POST /v1/workflow-triggers`; not enabled."
    )
    definition: dict[str, Any] | None = Field(description="Of the other kinds.")
    varying: list[str] = Field(description="Inputs that were not the same each time.")
    errors: list[FieldProblem] = Field(description="What is still to be mended in it.")
    warnings: list[FieldProblem]
    evidence: SeenEvidence


class LookedAt(Output):
    """How much was counted."""

    workflow_runs: int
    agent_runs: int
    tool_calls: int


class WorkflowSuggestions(Output):
    """Of the two lists the one that was asked for."""

    object: Literal["workflow_suggestions"]
    nodes: list[NextNode]
    automations: list[SeenAutomation]
    left_out: list[LeftOut]
    looked_at: LookedAt | None = Field(description="Of behaviour.")
    usage: HelpUsage | None = Field(description="Null where no model was asked.")


class _HelpRun(Output):
    id: UUID
    status: RunStatus
    error: Problem | None
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")
    cancel_requested_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class WorkflowGenerationRun(_HelpRun):
    """A run that writes a workflow."""

    kind: Literal["workflow_generation"]
    result: WorkflowGenerated | None = Field(description="Null until it has completed.")


class WorkflowRepairRun(_HelpRun):
    """A run that mends a workflow."""

    kind: Literal["workflow_repair"]
    result: WorkflowRepaired | None = Field(description="Null until it has completed.")


class WorkflowSuggestionRun(_HelpRun):
    """A run that makes suggestions."""

    kind: Literal["workflow_suggestion"]
    result: WorkflowSuggestions | None = Field(description="Null until it has completed.")


class HelpEstimate(Output):
    """What a dry run tells: who would be asked first, and how much it would be shown."""

    kind: Literal["estimate"]
    model: str | None = Field(description="Null where no model would be asked.")
    route: str | None
    input_tokens: int = Field(description="Of the first question.")


class WorkflowGenerationAnswer(
    RootModel[Annotated[WorkflowGenerationRun | HelpEstimate, Field(discriminator="kind")]]
):
    """The run; of a dry run the estimate."""


class WorkflowRepairAnswer(
    RootModel[Annotated[WorkflowRepairRun | HelpEstimate, Field(discriminator="kind")]]
):
    """The run; of a dry run the estimate."""


class WorkflowSuggestionAnswer(
    RootModel[Annotated[WorkflowSuggestionRun | HelpEstimate, Field(discriminator="kind")]]
):
    """The run; of a dry run the estimate."""


HelpRun = WorkflowGenerationRun | WorkflowRepairRun | WorkflowSuggestionRun
