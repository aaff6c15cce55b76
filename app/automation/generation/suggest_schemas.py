"""What suggestions are asked for."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from app.automation.generation.schemas import (
    Allow,
    GenerationContext,
    Locale,
    Model,
    Stream,
    Wait,
)
from app.automation.language.flow import NodeId
from app.automation.workflows.schemas import Definition
from app.core.schema import Input, Text, WholeNumber

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
    limit: Annotated[WholeNumber, Field(ge=1, le=5, description="Proposals at most.")] = 5
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
    limit: Annotated[WholeNumber, Field(ge=1, le=20, description="Automations at most.")] = 10
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
    stream: Stream = False
    wait: Wait = True

    @property
    def asks_model(self) -> bool:
        return isinstance(self.from_, NextNodesWanted) or self.from_.words
