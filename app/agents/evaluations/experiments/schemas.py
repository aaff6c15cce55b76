"""Experiments, as they are asked for."""

from decimal import Decimal
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.agents.definitions.definition import AgentParameters
from app.agents.evaluations.graders.kinds import GraderName, Template
from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import DecimalText, Input, Metadata, Name, Text, WholeNumber

MOST_TARGETS: Final = 8
MOST_ASKED: Final = 20_000
Status = Literal["running", "completed", "failed", "cancelled"]
ModelName = Annotated[
    Text,
    Field(min_length=1, max_length=200, description="`<integration slug>/<model>`, or a route."),
]
TargetName = Annotated[GraderName, Field(description="What its results are called by.")]
AgentName = Annotated[
    Text, Field(min_length=1, max_length=64, description="The slug or the id of an agent.")
]
TemplateName = Annotated[
    Text, Field(min_length=1, max_length=64, description="The slug or the id of a template.")
]


class AgentTarget(Input):
    """An agent, which is told the input as a run of it is."""

    type: Literal["agent"]
    name: TargetName
    agent: AgentName
    version: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    label: Annotated[
        Literal["draft", "production"] | None, Field(description="Absent: as runs have it.")
    ] = None

    @model_validator(mode="after")
    def _has_one(self) -> "AgentTarget":
        if self.version is not None and self.label is not None:
            raise ValueError("give a `version` or a `label`")
        return self


class ModelTarget(Input):
    """A model that is told the input as it is."""

    type: Literal["model"]
    name: TargetName
    model: ModelName
    instructions: Annotated[
        Text | None, Field(min_length=1, max_length=20_000, description="Its system message.")
    ] = None
    parameters: AgentParameters = AgentParameters()


class ExperimentMessage(Input):
    """A message of a prompt, as a template."""

    role: Literal["system", "user", "assistant"]
    content: Template


class PromptTarget(Input):
    """A prompt: its own messages, or a template that is kept; filled for each case."""

    type: Literal["prompt"]
    name: TargetName
    model: ModelName
    messages: Annotated[list[ExperimentMessage], Field(min_length=1, max_length=50)] | None = None
    template: TemplateName | None = None
    version: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    label: Annotated[Text | None, Field(min_length=1, max_length=64)] = None
    parameters: AgentParameters = AgentParameters()

    @model_validator(mode="after")
    def _has_one(self) -> "PromptTarget":
        if (self.messages is None) == (self.template is None):
            raise ValueError("give either `messages` or `template`")
        if self.template is None and (self.version is not None or self.label is not None):
            raise ValueError("`version` and `label` are of a `template`")
        return self


ExperimentTarget = Annotated[AgentTarget | ModelTarget | PromptTarget, Field(discriminator="type")]
Targets = Annotated[list[ExperimentTarget], Field(min_length=1, max_length=MOST_TARGETS)]


class Pinned(Input):
    """What a target was when the experiment began, which every case is asked of.

    Null where it has not begun yet, or where there was no such target.
    """

    resolved_id: UUID | None = None
    resolved_version: int | None = None


class PinnedAgent(AgentTarget, Pinned):
    """An agent, in the version that the experiment asks."""


class PinnedPrompt(PromptTarget, Pinned):
    """A prompt; of a template, the version that the experiment asks."""


PinnedTarget = Annotated[PinnedAgent | ModelTarget | PinnedPrompt, Field(discriminator="type")]


class ExperimentCreate(Input):
    """Ask targets every case of the evaluation's dataset, and grade what they answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Two models",
                    "targets": [
                        {"type": "model", "name": "now", "model": "demo/chat"},
                        {
                            "type": "prompt",
                            "name": "shorter",
                            "model": "demo/chat",
                            "messages": [
                                {"role": "system", "content": "Answer with the number only."},
                                {"role": "user", "content": "{{input}}"},
                            ],
                        },
                    ],
                    "repeats": 1,
                    "budget_usd": "1.00",
                }
            ]
        }
    )

    name: Name
    targets: Targets
    repeats: Annotated[
        WholeNumber, Field(ge=1, le=20, description="How often each case is asked.")
    ] = 1
    concurrency: Annotated[
        WholeNumber, Field(ge=1, le=16, description="How many are asked at once.")
    ] = 4
    budget_usd: Annotated[
        Decimal | None,
        Field(gt=0, le=1_000_000, description="Reached, no further case is asked."),
        DecimalText(),
    ] = None
    tags: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=64)]],
        Field(max_length=32, description="Only cases with one of these tags; empty: all."),
    ] = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _named_once(self) -> "ExperimentCreate":
        if len({each.name for each in self.targets}) < len(self.targets):
            raise ValueError("every target needs a name of its own")
        return self


class ExperimentQuery(RestorableQuery):
    evaluation_id: Annotated[UUID | None, Field(description="Only those of this one.")] = None
    status: Annotated[Status | None, Field(description="Only those in this state.")] = None


class ExperimentResultQuery(PageQuery):
    """Which results to list, in the order of the cases."""

    target: Annotated[str | None, Field(max_length=64)] = None
    case_id: UUID | None = None
    passed: bool | None = None
    tag: Annotated[str | None, Field(max_length=64, description="Of cases with this tag.")] = None


class ComparisonOfQuery(Input):
    """What an experiment is compared with."""

    target: Annotated[
        str | None, Field(max_length=64, description="The candidate; absent: the last target.")
    ] = None
    baseline: Annotated[UUID | None, Field(description="Another experiment; absent: this one.")] = (
        None
    )
    baseline_target: Annotated[
        str | None, Field(max_length=64, description="Absent: the first target.")
    ] = None
    confidence: Annotated[float, Field(ge=0.5, le=0.999, allow_inf_nan=False)] = 0.95
    change: Annotated[
        Literal["improved", "regressed", "same"] | None,
        Field(description="Only cases that changed so."),
    ] = None
    most: Annotated[int, Field(ge=0, le=1_000, description="How many cases to show.")] = 200
