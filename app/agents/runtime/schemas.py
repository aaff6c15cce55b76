"""Agents' runs on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, HttpUrl, RootModel, model_validator

from app.core.paging import PageQuery
from app.core.schema import (
    DecimalText,
    Input,
    Metadata,
    Money,
    NotNull,
    Output,
    Problem,
    Text,
    WholeNumber,
)
from app.runs.runs.schemas import RunStatus

MOST_TEXT = 1_000_000
MOST_MESSAGES = 1000
MOST_VERSION = 2**31 - 1
Budget = Annotated[
    Decimal | None,
    Field(gt=0, le=1_000_000, description="US dollars that the whole run may cost."),
    DecimalText(),
]
ModelName = Annotated[
    Text | None,
    Field(min_length=1, max_length=200, description="In place of the agent's own model."),
]


class TextContent(Input):
    type: Literal["text"]
    text: Annotated[Text, Field(min_length=1, max_length=MOST_TEXT)]


class ImageContent(Input):
    """An image by its bytes (`data`, base64) or by its address (`url`)."""

    type: Literal["image"]
    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: Annotated[
        str | None, Field(min_length=1, max_length=14_000_000, pattern=r"^[A-Za-z0-9+/]+={0,2}$")
    ] = None
    url: Annotated[HttpUrl | None, Field(max_length=2000)] = None

    @model_validator(mode="after")
    def _one_source(self) -> "ImageContent":
        if (self.data is None) == (self.url is None):
            raise ValueError("give either `data` or `url`")
        return self


Content = (
    Annotated[Text, Field(min_length=1, max_length=MOST_TEXT)]
    | Annotated[
        list[Annotated[TextContent | ImageContent, Field(discriminator="type")]],
        Field(min_length=1, max_length=32),
    ]
)


class AskedMessage(Input):
    role: Literal["user", "assistant"]
    content: Content


class AgentRunCreate(Input):
    """What an agent is to do: `input`, or a conversation whose last message is the user's."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"input": "What is 12 % of 340?", "stream": True}]}
    )

    input: Annotated[Content | None, Field(description="Text, or a list of parts.")] = None
    messages: Annotated[
        list[AskedMessage] | None, Field(min_length=1, max_length=MOST_MESSAGES)
    ] = None
    variables: Annotated[
        dict[str, Any], Field(max_length=64, description="By the definition's own schema.")
    ] = Field(default_factory=dict)
    version: Annotated[
        WholeNumber | None,
        Field(ge=1, le=MOST_VERSION, description="Default: the one that `label` names."),
    ] = None
    label: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=64,
            description="Default: `production` where it is set, else the newest version.",
        ),
    ] = None
    model: ModelName = None
    budget_usd: Budget = None
    conversation_id: UUID | None = None
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]
    stream: Annotated[
        bool, Field(description="Answer with a stream of the run's events instead of the result.")
    ] = False
    wait: Annotated[
        bool,
        Field(description="Without `stream`: false answers at once, while the run goes on."),
    ] = True

    @model_validator(mode="after")
    def _asked_once(self) -> "AgentRunCreate":
        if (self.input is None) == (self.messages is None):
            raise ValueError("give either `input` or `messages`")
        if self.messages is not None and self.messages[-1].role != "user":
            raise ValueError("the last of `messages` must be the user's")
        if self.version is not None and self.label is not None:
            raise ValueError("give at most one of `version` and `label`")
        return self

    def asked(self) -> list[dict[str, Any]]:
        """As they are stored: `{role, content}`."""
        if self.messages is not None:
            return [each.model_dump(mode="json", exclude_none=True) for each in self.messages]
        content = self.model_dump(mode="json", include={"input"}, exclude_none=True)["input"]
        return [{"role": "user", "content": content}]


class AgentRunRead(Output):
    """An agent's run: its state, and once it has ended its result."""

    object: Literal["agent_run"]
    id: UUID
    status: RunStatus
    agent_id: UUID | None
    agent: str = Field(description="The agent's slug.")
    agent_version: int | None
    output: Any = Field(description="Null until the end; by the output schema, if there is one.")
    text: str | None = Field(description="What the agent said at last; null until the end.")
    error: Problem | None
    steps: int | None = Field(description="Calls of models; null until the end.")
    tool_calls: int | None
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")
    parent_run_id: UUID | None
    forked_from_id: UUID | None
    forked_at: int | None = Field(description="The first step that is not the other run's.")
    metadata: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class AgentRunEstimate(Output):
    """What a dry run tells: who would be asked, and how much it would be shown."""

    object: Literal["agent_run_estimate"]
    model: str
    route: str | None
    input_tokens: int


class AgentRunAnswer(RootModel[AgentRunRead | AgentRunEstimate]):
    """The run; of a dry run the estimate."""


class ExecutionQuery(PageQuery):
    status: Annotated[RunStatus | None, Field(description="Only runs in this state.")] = None


class StepRead(Output):
    """A call of a model or of a tool, or a summary of what came before."""

    id: UUID
    kind: Literal["model", "tool", "summary"]
    path: str = Field(description="Whose it is in a delegation; empty for the agent itself.")
    number: int = Field(description="The model's step, from 1 in each path.")
    agent: str = Field(validation_alias="agent_slug", description="The agent's slug.")
    call_id: str = Field(description="Of a tool's call; empty of a model's answer.")
    name: str = Field(description="The model that answered, or the tool.")
    status: Literal["started", "ended"]
    arguments: Any
    outcome: dict[str, Any] | None = Field(
        description="Of a model `parts`, of a tool `text`, and where it has them `data`, "
        "`sources`; of a summary `text`, and how many messages it `covers`."
    )
    is_error: bool
    copied: bool = Field(description="Taken over from the run that this one forks.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None
    first_token_ms: int | None
    started_at: datetime
    ended_at: datetime | None


class StepList(Output):
    data: list[StepRead]


class StepContext(Output):
    path: str
    number: int
    agent: str | None = Field(description="The agent's slug; null in a chat.")
    context: dict[str, Any] = Field(
        description="What entered the prompt, with tokens, and what was left out and why."
    )


class RunContextRead(Output):
    """What each call of a model was shown."""

    run_id: UUID
    instructions: str = Field(description="As they were when the run began.")
    data: list[StepContext]


class ApprovalQuery(PageQuery):
    status: Annotated[
        Literal["pending", "approved", "declined", "expired"] | None,
        Field(description="Only those."),
    ] = None


class ApprovalRead(Output):
    """A call that waits for a person, or waited."""

    id: UUID
    run_id: UUID = Field(validation_alias="execution_id")
    agent: str = Field(validation_alias="agent_slug", description="The agent's slug.")
    tool: str
    call_id: str
    arguments: dict[str, Any]
    reason: str = Field(description="`always`, `rule`, `unseen_url` or `secret_in_arguments`.")
    status: Literal["pending", "approved", "declined", "expired"]
    note: str
    expires_at: datetime
    decided_by_id: UUID | None
    decided_at: datetime | None
    created_at: datetime


class ApprovalDecision(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"decision": "approve"}]})

    decision: Literal["approve", "decline"]
    note: Annotated[
        Text, Field(max_length=2000, description="Why; a model is told of a refusal.")
    ] = ""


class ResumeRequest(Input):
    """Has a run that waits for its budget go on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"budget_usd": "2.50"}]})

    budget_usd: Annotated[Budget, NotNull] = None


class RetryRequest(Input):
    """Has a run done again from a step on; what came before is taken over and costs nothing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from_step": 2}]})

    from_step: Annotated[
        WholeNumber, Field(ge=1, le=1000, description="The first step that is done again.")
    ] = 1


class ForkRequest(RetryRequest):
    """The same with another model, or another version of the agent."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from_step": 1, "model": "openai/gpt-5"}]}
    )

    model: ModelName = None
    version: Annotated[WholeNumber | None, Field(ge=1, le=MOST_VERSION)] = None
    budget_usd: Budget = None
