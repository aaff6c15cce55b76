"""Workflows' runs and their steps on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel, model_validator

from app.automation.runs.rehearsal_schemas import WorkflowRunRehearsal
from app.automation.workflows.schemas import Definition
from app.core.paging import PageQuery
from app.core.schema import (
    DecimalText,
    Input,
    Metadata,
    Moment,
    Money,
    Output,
    Problem,
    Text,
    WholeNumber,
)
from app.runs.runs.schemas import RunStatus

MOST_VERSION = 2**31 - 1
MOST_INPUTS = 200
Version = Annotated[
    WholeNumber | None,
    Field(ge=1, le=MOST_VERSION, description="Default: the one that `label` names."),
]
Label = Annotated[
    Text | None,
    Field(
        min_length=1,
        max_length=64,
        description="Default: `production` where it is set, else the newest version.",
    ),
]
Inputs = Annotated[
    dict[str, Any], Field(max_length=MOST_INPUTS, description="By the workflow's own schema.")
]
NodeIds = Annotated[
    list[Annotated[Text, Field(min_length=1, max_length=64)]], Field(min_length=1, max_length=500)
]


Stream = Annotated[
    bool, Field(description="Answer with a stream of the run's events instead of the result.")
]
Waited = Annotated[
    bool,
    Field(description="Without `stream`: true answers once it has ended, or waits for something."),
]


class _OneVersion(Input):
    version: Version = None
    label: Label = None

    @model_validator(mode="after")
    def _named_once(self) -> "_OneVersion":
        if self.version is not None and self.label is not None:
            raise ValueError("give at most one of `version` and `label`")
        return self


class WorkflowRunCreate(_OneVersion):
    """What a workflow is begun with."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"inputs": {"ticket": "42"}, "stream": True}]}
    )

    inputs: Inputs = Field(default_factory=dict)
    key: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=200,
            description="Of one workflow and caller, the same key is the same run, however often "
            "it begins.",
        ),
    ] = None
    priority: Annotated[
        WholeNumber | None,
        Field(ge=0, le=9, description="Of runs that wait for their turn, higher ones go first."),
    ] = None
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]
    stream: Stream = False
    wait: Annotated[
        bool,
        Field(description="Without `stream`: false answers at once, while the run goes on."),
    ] = True


class WorkflowRunRetry(Input):
    """Has a run that failed done again: what it has done is kept, the rest is done."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": ["charge"]}]}, populate_by_name=True
    )

    from_nodes: Annotated[
        NodeIds | None, Field(alias="from", description="Default: the nodes that failed.")
    ] = None
    stream: Stream = False
    wait: Waited = False


class WorkflowRunRerun(_OneVersion):
    """Has a run done again from nodes on; the others' outputs are kept, and cost nothing."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": ["summary"], "version": 3}]},
        populate_by_name=True,
    )

    from_nodes: Annotated[
        NodeIds | None,
        Field(alias="from", description="Beside those that have changed, and what is after them."),
    ] = None
    definition: Annotated[
        Definition | None, Field(description="In place of the one that the run followed.")
    ] = None
    inputs: Annotated[Inputs | None, Field(description="In place of those of the run.")] = None
    stream: Stream = False
    wait: Waited = False

    @model_validator(mode="after")
    def _one_definition(self) -> "WorkflowRunRerun":
        if self.definition is not None and (self.version or self.label):
            raise ValueError("give at most one of `definition`, `version` and `label`")
        return self


class WorkflowRunCancel(Input):
    """Ends a run."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"compensate": True}]})

    compensate: Annotated[
        bool, Field(description="Undo what it has done first, where its nodes say how.")
    ] = False


class WorkflowRunResume(Input):
    """Has a run go on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"budget_usd": "2.50"}]})

    budget_usd: Annotated[
        Decimal | None,
        Field(gt=0, le=1_000_000, description="What the whole run may cost, from now on."),
        DecimalText(),
    ] = None


class WorkflowRunQuery(PageQuery):
    """Which runs to list."""

    workflow: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="A slug or an id.")
    ] = None
    status: Annotated[RunStatus | None, Field(description="Only runs in this state.")] = None
    trigger: Annotated[
        Text | None,
        Field(
            max_length=64,
            description="What began them: `api`, `rerun`, `subworkflow`, `cron`, `webhook` …",
        ),
    ] = None
    trigger_id: Annotated[
        UUID | None, Field(description="Only those that this trigger has begun.")
    ] = None
    since: Annotated[Moment | None, Field(description="Begun then or later.")] = None
    until: Annotated[Moment | None, Field(description="Begun earlier.")] = None
    q: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="In the workflow's name, or in metadata."),
    ] = None
    parent_run_id: Annotated[
        UUID | None, Field(description="Only those that this run has begun.")
    ] = None


class WorkflowRunItem(Output):
    """A workflow's run as lists show it."""

    object: Literal["workflow_run"]
    id: UUID
    status: RunStatus
    workflow_id: UUID | None
    workflow: str = Field(description="The workflow's slug, as it was then.")
    workflow_name: str
    workflow_version: int | None = Field(description="Null of a definition that was never kept.")
    user_id: UUID = Field(description="Who began it, or whose trigger did.")
    trigger: str = Field(
        description="`api`, `rerun`, `subworkflow`, or the kind of its trigger: `cron` …"
    )
    trigger_id: UUID | None
    error: Problem | None = Field(description="Why it failed; null unless it has.")
    parent_run_id: UUID | None
    parent_path: str | None = Field(description="At which step of that run it was begun.")
    reused_from_id: UUID | None = Field(description="The run whose steps it took over.")
    priority: int = Field(description="From 0 to 9; higher ones get their turn first.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")
    metadata: dict[str, Any] = Field(description="As it was begun with.")
    created_at: datetime
    admitted_at: datetime | None = Field(description="When its turn came.")
    started_at: datetime | None = Field(description="When a process took it up first.")
    paused_at: datetime | None = Field(description="Set while a person holds it.")
    deadline_at: datetime | None = Field(description="When the definition's `timeout` ends it.")
    ended_at: datetime | None


class WorkflowWaitRead(Output):
    """Something that a run waits for."""

    id: UUID
    path: str = Field(description="Where the node stands that waits.")
    node_id: str
    kind: Literal["time", "approval", "event", "run"]
    subject: str | None = Field(description="The event's type, or the run's id.")
    until: datetime | None = Field(description="When the wait is over in any case.")
    created_at: datetime


class NotUndone(Output):
    """What a run that failed or was stopped did, and could not undo."""

    path: str = Field(description="Of the step that stays done.")
    error: dict[str, Any] = Field(description="Why: `code` and `message`.")


class WorkflowRunRead(WorkflowRunItem):
    """A workflow's run: its state, and once it has ended its result."""

    inputs: dict[str, Any]
    output: Any = Field(description="Null until the end.")
    not_undone: list[NotUndone] = Field(
        description="Steps with `compensate` that stay done though the run has failed or was "
        "stopped; empty until the end."
    )
    waits: list[WorkflowWaitRead] = Field(description="What it waits for, at most a hundred.")


class WorkflowRunAnswer(RootModel[WorkflowRunRead | WorkflowRunRehearsal]):
    """The run; of a dry run what it would come to."""


class StepQuery(PageQuery):
    status: Annotated[
        Literal["started", "ok", "error", "cached"] | None, Field(description="Only those.")
    ] = None
    node: Annotated[
        Text | None, Field(max_length=64, description="Only those of this node, by its id.")
    ] = None
    path: Annotated[
        Text | None, Field(max_length=2000, description="Only those at this very place.")
    ] = None


class WorkflowStepRead(Output):
    """One attempt at a node, or the end of a container.

    In a list, a value of more than 8 KiB is `{"truncated": true, "size", "preview"}`.
    """

    id: UUID
    path: str = Field(description="Where the node stands: `items[3]/send`.")
    node_id: str
    node_type: str
    attempt: int = Field(description="From 0.")
    status: Literal["started", "ok", "error", "cached"]
    position: int = Field(description="The order of the ends; 0 while it is under way.")
    port: str = Field(description="By which it was left: `out`, `error`, a case …")
    input: Any = Field(description="Its settings, with the values that they had then.")
    output: Any = Field(description="Null until it has ended, and where it failed.")
    error: dict[str, Any] | None = Field(
        description="Why it failed: `{code, message, detail, retryable}`."
    )
    logs: Any = Field(description="Lines of text, or what they are cut to.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")
    copied: bool = Field(description="Taken over from another run; it cost nothing here.")
    ready_at: datetime | None = Field(description="When all that it needs was there.")
    started_at: datetime
    ended_at: datetime | None = Field(description="Null while it is under way.")
    retry_at: datetime | None = Field(description="When another attempt follows.")
