"""Help from a model, as it is asked for."""

from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.automation.workflows.schemas import Definition
from app.core.schema import DecimalText, Input, Text, WholeNumber

Model = Annotated[
    Text | None,
    Field(min_length=1, max_length=200, description="A model or a route; by default the usual."),
]
Named = Annotated[Text, Field(min_length=1, max_length=200)]
Names = Annotated[list[Named], Field(max_length=50)]
Locale = Annotated[
    Text, Field(min_length=2, max_length=35, description="The language of its explanations.")
]
Allowed = Literal["approval_never", "approval_passed_over", "code"]
Allow = Annotated[
    list[Allowed],
    Field(
        max_length=3,
        description="What it may write only because you say so here: tools that nobody need agree "
        "to, approvals that are not waited for, and code. No text of a description does.",
    ),
]


Stream = Annotated[
    bool, Field(description="Answer with a stream of the run's events instead of the result.")
]
Wait = Annotated[
    bool, Field(description="Without `stream`: false answers at once, while the run goes on.")
]


class GenerationContext(Input):
    """What it may use. A list that is left out is everything of that kind which you see."""

    agents: Annotated[Names | None, Field(description="Slugs.")] = None
    collections: Annotated[Names | None, Field(description="Slugs.")] = None
    tools: Annotated[Names | None, Field(description="As in the catalogue of tools.")] = None
    workflows: Annotated[Names | None, Field(description="Slugs, for `subworkflow`.")] = None
    credentials: Annotated[
        Names, Field(description="Names of credentials that steps may send; without, none.")
    ] = Field(default_factory=list)
    hosts: Annotated[
        Names, Field(description="Hosts that are no surprise: others are warned of.")
    ] = Field(default_factory=list)


class GenerationLimits(Input):
    """How large it may become, and how often it is sent back to the model."""

    nodes: Annotated[WholeNumber, Field(ge=1, le=100)] = 30
    repairs: Annotated[
        WholeNumber, Field(ge=0, le=5, description="How often its mistakes are told to the model.")
    ] = 3
    budget_usd: Annotated[
        Decimal | None,
        Field(gt=0, le=1000, description="Of all that is asked of models for it."),
        DecimalText(),
    ] = None


class WorkflowGenerate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "description": "When a letter of complaint comes, sum it up in two sentences, "
                    "and have somebody agree before the customer is answered.",
                    "limits": {"nodes": 10},
                    "stream": True,
                }
            ]
        }
    )

    description: Annotated[
        Text, Field(min_length=10, max_length=8000, description="What it is to do, in your words.")
    ]
    model: Model = None
    locale: Locale = "en"
    context: GenerationContext = Field(default_factory=GenerationContext)
    limits: GenerationLimits = Field(default_factory=GenerationLimits)
    allow: Allow = Field(default_factory=list)
    stream: Stream = False
    wait: Wait = True


class WorkflowRepair(Input):
    """Of a definition that does not validate, or of a run that has failed: one of them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"run_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]}
    )

    definition: Annotated[Definition | None, Field(description="One that does not validate.")] = (
        None
    )
    run_id: Annotated[
        UUID | None, Field(description="A workflow's run that has failed, and that you see.")
    ] = None
    wish: Annotated[
        Text, Field(max_length=2000, description="What is to be minded while it is mended.")
    ] = ""
    model: Model = None
    locale: Locale = "en"
    context: GenerationContext = Field(default_factory=GenerationContext)
    limits: GenerationLimits = Field(default_factory=GenerationLimits)
    allow: Allow = Field(default_factory=list)
    stream: Stream = False
    wait: Wait = True

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.definition is None) == (self.run_id is None):
            raise ValueError("takes either a definition or a run_id")
        return self
