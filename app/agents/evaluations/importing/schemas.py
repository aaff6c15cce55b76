"""An export of OpenAI's evals, as it is handed over, and what became of it."""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, model_validator

from app.agents.evaluations.datasets.schemas import CasesAdded, DatasetRead
from app.agents.evaluations.experiments.schemas import PromptTarget
from app.agents.evaluations.schemas import AgentEvaluationRead
from app.core.schema import Input, Metadata, Name, Output, Text

MOST_LINES: Final = 8 * 1024 * 1024


class OpenAIEval(Input):
    """`GET /v1/evals/{eval_id}` of OpenAI, as it is; what it has beside this is passed over."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[Text, Field(max_length=1_000)] = ""
    data_source_config: Annotated[
        dict[str, Any], Field(max_length=50, description="`custom`, `logs`, `stored_completions`.")
    ] = Field(default_factory=dict)
    testing_criteria: Annotated[
        list[dict[str, Any]],
        Field(
            min_length=1,
            max_length=32,
            description="`string_check`, `text_similarity`, `score_model`, `label_model`; "
            "`python` is named as left out and never run.",
        ),
    ]
    metadata: Annotated[dict[str, Any] | None, Field(max_length=64)] = None


class EvaluationImport(Input):
    """An export of OpenAI's evals: the eval, its items, and how its runs prompted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "eval": {
                        "name": "Tickets",
                        "data_source_config": {
                            "type": "custom",
                            "item_schema": {
                                "type": "object",
                                "properties": {"ticket": {"type": "string"}},
                            },
                        },
                        "testing_criteria": [
                            {
                                "type": "string_check",
                                "name": "label",
                                "input": "{{sample.output_text}}",
                                "operation": "eq",
                                "reference": "{{item.label}}",
                            }
                        ],
                    },
                    "jsonl": '{"item": {"ticket": "My screen is black.", "label": "Hardware"}}',
                    "model_map": {"gpt-4.1": "openai/gpt-4.1"},
                }
            ]
        }
    )

    source: Literal["openai"] = "openai"
    eval: OpenAIEval
    jsonl: Annotated[
        Text | None,
        Field(max_length=MOST_LINES, description='Lines of `{"item": {…}}`; or `items`.'),
    ] = None
    items: Annotated[list[dict[str, Any]], Field(max_length=5_000)] | None = None
    input_field: Annotated[
        Text | None,
        Field(
            min_length=1,
            max_length=200,
            description="Which member of an item is the case's input; absent: the usual ones.",
        ),
    ] = None
    expected_field: Annotated[Text | None, Field(min_length=1, max_length=200)] = None
    run: Annotated[
        dict[str, Any] | None,
        Field(
            max_length=50,
            description="The `data_source` of one of its runs: its messages become a target.",
        ),
    ] = None
    model_map: Annotated[
        dict[str, Annotated[Text, Field(min_length=1, max_length=200)]],
        Field(max_length=50, description="OpenAI's names of models, and ours."),
    ] = Field(default_factory=dict)
    name: Name | None = None
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_items(self) -> "EvaluationImport":
        if (self.jsonl is None) == (self.items is None):
            raise ValueError("give either `jsonl` or `items`")
        return self


class NotImported(Output):
    """Something of the export that was not taken in, and why."""

    name: str
    type: str
    reason: str


class EvaluationImported(Output):
    """What was made of an export."""

    evaluation: AgentEvaluationRead
    dataset: DatasetRead
    cases: CasesAdded
    target: PromptTarget | None = Field(
        description="How its runs prompted: put it into an experiment as it is."
    )
    left_out: list[NotImported]
