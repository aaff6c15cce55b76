"""The node type `approval`: a person looks, may edit, and decides."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field

from app.agents.definitions.json_schemas import mistake_in
from app.automation.language.flow import OUT, TIMEOUT, Duration, Schema, seconds_of
from app.automation.language.marks import NONE, marked
from app.automation.nodes.node_type import Awaited, Given, StepContext, WaitingNode
from app.core.clock import now
from app.core.schema import Input, Text

REJECTED: Final = "rejected"


def _usable(form: dict[str, Any]) -> dict[str, Any]:
    wrong = mistake_in(form)
    if wrong is not None:
        raise ValueError(wrong)
    return form


class ApprovalConfig(Input):
    title: Annotated[Text, Field(min_length=1, max_length=300)]
    description: Annotated[Text, Field(max_length=20_000, description="Markdown.")] = ""
    form: Annotated[
        Annotated[Schema, AfterValidator(_usable)] | None,
        Field(
            description="A JSON Schema: what may be filled in or edited, and what must be.",
            json_schema_extra=marked(NONE),
        ),
    ] = None
    data: Annotated[
        dict[str, Any],
        Field(max_length=200, description="What is shown, and what the form begins with."),
    ] = Field(default_factory=dict)
    assignees: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=320)]],
        Field(
            max_length=50,
            description="E-mail addresses or ids of members, and `role:<name>`; by default "
            "everybody who may decide.",
        ),
    ] = Field(default_factory=list)
    timeout: Annotated[
        Duration | None, Field(description="It leaves by the port `timeout` when this is over.")
    ] = None


class Approval(WaitingNode[ApprovalConfig]):
    """Leaves by `out` (approved), `rejected` or `timeout`; output: `{data, decided_by, comment}`.

    `data` is what was shown, with what the person has edited.
    """

    name = "approval"
    title = "Ask a person"
    config = ApprovalConfig
    ports = frozenset({OUT, REJECTED})
    sample: ClassVar[Any] = {"data": {}, "decided_by": None, "comment": ""}
    example: ClassVar[Mapping[str, Any]] = {
        "id": "release",
        "type": "approval",
        "with": {
            "title": "Pay invoice {{ inputs.number }}?",
            "data": {"amount": "{{ inputs.amount }}"},
            "form": {
                "type": "object",
                "properties": {"amount": {"type": "number", "minimum": 0}},
                "required": ["amount"],
            },
            "assignees": ["finance@example.com"],
            "timeout": "2d",
        },
    }

    async def begin(self, ctx: StepContext, config: ApprovalConfig) -> Awaited | Given:
        del ctx
        until = now() + timedelta(seconds=seconds_of(config.timeout)) if config.timeout else None
        return Awaited("approval", until, shown=config.model_dump(exclude={"timeout"}))

    def finish(self, config: ApprovalConfig, brought: Mapping[str, Any] | None) -> Given:
        if brought is None:
            return Given(None, TIMEOUT)
        output = {
            "data": brought.get("data", config.data),
            "decided_by": brought.get("decided_by"),
            "comment": brought.get("comment"),
        }
        return Given(output, OUT if brought.get("decision") == "approve" else REJECTED)
