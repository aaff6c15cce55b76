"""The bodies that front ends send."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

from app.agents.runtime.schemas import MOST_TEXT, Budget, ModelName
from app.core.schema import Input, Metadata, Text, WholeNumber

MOST_ADDRESS = 14_000_100
MOST_SENT = 10_000
ShortText = Annotated[Text, Field(min_length=1, max_length=200)]


class Foreign(BaseModel):
    """A piece of somebody else's protocol: what we have no use for is left alone."""

    model_config = ConfigDict(extra="ignore")


class RunOptions(Input):
    """How the agent is to be run, as in `POST /v1/agents/{agent}/runs`."""

    variables: Annotated[
        dict[str, Any], Field(max_length=64, description="By the definition's own schema.")
    ] = Field(default_factory=dict)
    version: Annotated[WholeNumber | None, Field(ge=1, description="Of the agent.")] = None
    label: Annotated[Text | None, Field(min_length=1, max_length=64)] = None
    model: ModelName = None
    budget_usd: Budget = None
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]


class UIApproval(Foreign):
    """A person's answer to a call; `approved` is true or false and nothing like them."""

    id: ShortText
    approved: StrictBool | None = None
    reason: Annotated[Text | None, Field(max_length=2000)] = None


class UIPart(Foreign):
    """Text, a file, or a tool's call whose approval is answered; other parts are passed over."""

    type: ShortText
    text: Annotated[Text | None, Field(max_length=MOST_TEXT)] = None
    media_type: Annotated[Text | None, Field(alias="mediaType", max_length=200)] = None
    url: Annotated[Text | None, Field(max_length=MOST_ADDRESS)] = None
    state: Annotated[Text | None, Field(max_length=64)] = None
    approval: UIApproval | None = None


class UIMessage(Foreign):
    id: Annotated[Text, Field(max_length=200)] = ""
    role: Literal["system", "user", "assistant"]
    parts: Annotated[list[UIPart], Field(max_length=1000)]


class AiSdkRequest(RunOptions):
    """What `DefaultChatTransport` of the Vercel AI SDK sends; its `body` may name the options."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "chat-1",
                    "trigger": "submit-message",
                    "messages": [
                        {
                            "id": "m-1",
                            "role": "user",
                            "parts": [{"type": "text", "text": "What is 12 % of 340?"}],
                        }
                    ],
                }
            ]
        }
    )

    id: Annotated[ShortText, Field(description="The chat.")]
    messages: Annotated[list[UIMessage], Field(min_length=1, max_length=MOST_SENT)]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: Annotated[Text | None, Field(alias="messageId", max_length=200)] = None


class AgUiSource(Foreign):
    type: Annotated[Text, Field(max_length=64)]
    value: Annotated[Text | None, Field(max_length=MOST_ADDRESS)] = None
    mime_type: Annotated[Text | None, Field(alias="mimeType", max_length=200)] = None


class AgUiPart(Foreign):
    type: ShortText
    text: Annotated[Text | None, Field(max_length=MOST_TEXT)] = None
    source: AgUiSource | None = None


class AgUiMessage(Foreign):
    id: Annotated[Text, Field(max_length=1000)]
    role: Literal["developer", "system", "assistant", "user", "tool", "activity", "reasoning"]
    content: (
        Annotated[Text, Field(max_length=MOST_TEXT)]
        | Annotated[list[AgUiPart], Field(max_length=32)]
        | dict[str, Any]
        | None
    ) = None
    subagent_run_id: Annotated[Text | None, Field(alias="subagentRunId", max_length=1000)] = None


class AgUiContext(Foreign):
    description: Annotated[Text, Field(max_length=2000)]
    value: Annotated[Text, Field(max_length=MOST_TEXT)]


class AgUiResume(Foreign):
    """The answer to an interrupt: `{"approved": true, "note": …}`, or `{"budget_usd": "2.50"}`."""

    interrupt_id: Annotated[ShortText, Field(alias="interruptId")]
    status: Literal["resolved", "cancelled"]
    payload: Any = None


class AgUiRequest(Input):
    """AG-UI's RunAgentInput; `forwardedProps` may name the options of the run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "threadId": "thread-1",
                    "runId": "run-1",
                    "messages": [{"id": "m-1", "role": "user", "content": "What is 12 % of 340?"}],
                }
            ]
        }
    )

    thread_id: Annotated[ShortText, Field(alias="threadId")]
    run_id: Annotated[
        ShortText,
        Field(alias="runId", description="Your own; the same one again finds the run again."),
    ]
    protocol_version: Annotated[Text | None, Field(alias="protocolVersion", max_length=20)] = None
    parent_run_id: Annotated[Text | None, Field(alias="parentRunId", max_length=200)] = None
    state: Annotated[Any, Field(description="Taken, and neither read nor changed.")] = None
    messages: Annotated[list[AgUiMessage], Field(max_length=MOST_SENT)]
    tools: Annotated[
        list[Any] | None,
        Field(max_length=1000, description="Of the front end: must be empty, they are not called."),
    ] = None
    context: Annotated[
        list[AgUiContext] | None,
        Field(max_length=100, description="Shown to the agent before the last message."),
    ] = None
    forwarded_props: Annotated[
        Any, Field(alias="forwardedProps", description="May hold `RunOptions` as `luminous`.")
    ] = None
    resume: Annotated[list[AgUiResume] | None, Field(max_length=100)] = None

    @field_validator("tools")
    @classmethod
    def _none_of_theirs(cls, tools: list[Any] | None) -> list[Any] | None:
        if tools:
            raise ValueError("tools of the front end are not called; leave them out")
        return tools
