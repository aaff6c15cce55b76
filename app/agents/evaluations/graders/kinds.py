"""The graders that an evaluation may have, as they are asked for and kept."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import re2  # type: ignore[import-untyped]
from pydantic import AfterValidator, Field, model_validator

from app.agents.evaluations.graders import paths, rendering
from app.core.json_schemas import validator_of
from app.core.schema import DecimalText, Input, Number, Text, WholeNumber

MOST_TEXT = 20_000
MOST_EXAMPLES = 200


def _is_template(value: str) -> str:
    rendering.check(value)
    return value


def _is_path(value: str) -> str:
    paths.steps_of(value)
    return value


def _is_pattern(value: str) -> str:
    options = re2.Options()
    options.max_mem, options.log_errors = 4 << 20, False
    try:
        re2.compile(value, options)
    except re2.error as error:
        raise ValueError(f"is no pattern of RE2: {error}"[:300]) from None
    return value


GraderName = Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.:/+-]{0,63}$")]
Template = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=MOST_TEXT,
        description="Names in braces are put in: `{{input}}`, `{{output}}`, `{{expected}}`, "
        "`{{item.x}}` (a variable of the case), `{{sample.output_text}}`, "
        "`{{sample.output_json.x}}`.",
    ),
    AfterValidator(_is_template),
]
Path = Annotated[
    Text,
    Field(min_length=1, max_length=500, description="A JSONPath of names: `$.orders[0].id`."),
    AfterValidator(_is_path),
]
Phrase = Annotated[Text, Field(min_length=1, max_length=2_000)]
ToolName = Annotated[Text, Field(min_length=1, max_length=200)]
Tag = Annotated[Text, Field(min_length=1, max_length=64)]


class GraderBase(Input):
    """What every grader has."""

    name: GraderName
    weight: Annotated[Number, Field(ge=0, le=1_000, description="Its part in a case's score.")] = (
        1.0
    )
    required: Annotated[
        bool, Field(description="Whether a case passes only where this grade does.")
    ] = True
    threshold: Annotated[
        Number, Field(ge=0, le=1, description="The score from which on it passes.")
    ] = 1.0
    tags: Annotated[
        list[Tag],
        Field(max_length=32, description="Only for cases with one of these tags; empty: all."),
    ] = Field(default_factory=list)


class ExactGrader(GraderBase):
    """The output is what is expected: the same text, or the same JSON where it is no text."""

    type: Literal["exact"]
    actual: Template | None = None
    expected: Template | None = None
    ignore_case: bool = False
    trim: bool = True
    negate: Annotated[bool, Field(description="It must be something else.")] = False


class ContainsGrader(GraderBase):
    """The output has these phrases in it; without `values` those that the case expects."""

    type: Literal["contains"]
    actual: Template | None = None
    values: Annotated[list[Phrase], Field(min_length=1, max_length=100)] | None = None
    expected: Annotated[Template | None, Field(description="One phrase, in place of `values`.")] = (
        None
    )
    mode: Literal["all", "any", "none"] = "all"
    ignore_case: bool = True


class RegexGrader(GraderBase):
    """The output matches a pattern (RE2: it takes no longer than the text is)."""

    type: Literal["regex"]
    actual: Template | None = None
    pattern: Annotated[Text, Field(min_length=1, max_length=2_000), AfterValidator(_is_pattern)]
    whole: Annotated[bool, Field(description="All of it, and not a part.")] = False
    negate: bool = False


class JsonSchemaGrader(GraderBase):
    """The output is JSON that satisfies a schema (2020-12)."""

    type: Literal["json_schema"]
    json_schema: Annotated[
        dict[str, Any], Field(max_length=64, description="A JSON Schema of at most 64 KiB.")
    ]

    @model_validator(mode="after")
    def _is_a_schema(self) -> "JsonSchemaGrader":
        if len(repr(self.json_schema)) > 65_536:
            raise ValueError("`json_schema` must be at most 64 KiB")
        validator_of(self.json_schema)
        return self


class JsonPathGrader(GraderBase):
    """What stands at a path of the output is a value, or what stands there in the expected."""

    type: Literal["json_path"]
    path: Path
    equals: Annotated[
        Any, Field(description="Any JSON; absent: what the case expects at `expected_path`.")
    ] = None
    expected_path: Annotated[Path | None, Field(description="Absent: the same path.")] = None


class NumericGrader(GraderBase):
    """A number of the output is as expected, within a tolerance."""

    type: Literal["numeric"]
    path: Annotated[
        Path | None, Field(description="Where in the JSON; absent: the last number of the text.")
    ] = None
    value: Annotated[
        Number | None, Field(description="Absent: the number that the case expects.")
    ] = None
    absolute: Annotated[Number, Field(ge=0)] = 0.0
    relative: Annotated[
        Number, Field(ge=0, le=10, description="Of the expected number: 0.01 is one percent.")
    ] = 0.0


Metric = Literal[
    "cosine", "levenshtein", "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l",
    "bleu", "gleu",
]  # fmt: skip


class SimilarityGrader(GraderBase):
    """How alike the output is to a reference; `cosine` is of embeddings."""

    type: Literal["similarity"]
    metric: Metric = "cosine"
    threshold: Annotated[Number, Field(ge=0, le=1)] = 0.8
    actual: Template | None = None
    expected: Template | None = None
    model: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="Embeds; absent: the local one."),
    ] = None


class JudgeScale(Input):
    """Whole numbers that a judge chooses from; the highest is best."""

    lowest: Annotated[WholeNumber, Field(ge=-100, le=100)] = 1
    highest: Annotated[WholeNumber, Field(ge=-100, le=100)] = 5

    @model_validator(mode="after")
    def _rises(self) -> "JudgeScale":
        if self.lowest >= self.highest:
            raise ValueError("`highest` must be above `lowest`")
        return self


class LabelledExample(Input):
    """An example that people have judged; `passes` is what they say."""

    input: Annotated[Text, Field(max_length=MOST_TEXT)] = ""
    output: Annotated[Text, Field(max_length=MOST_TEXT)]
    expected: Annotated[Text | None, Field(max_length=MOST_TEXT)] = None
    passes: bool


class JudgeCalibration(Input):
    """Labelled examples that a judge is held to before it counts."""

    examples: Annotated[list[LabelledExample], Field(min_length=2, max_length=MOST_EXAMPLES)]
    min_kappa: Annotated[
        Number,
        Field(ge=-1, le=1, description="Cohen's κ below which the judge is not to be trusted."),
    ] = 0.6
    min_accuracy: Annotated[Number, Field(ge=0, le=1)] = 0.0

    @model_validator(mode="after")
    def _has_both(self) -> "JudgeCalibration":
        if len({example.passes for example in self.examples}) < 2:
            raise ValueError("`examples` need some that pass and some that do not")
        return self


class ModelJudgeGrader(GraderBase):
    """A model judges the output by a rubric: on a scale, or by one of some labels."""

    type: Literal["model_judge"]
    model: Annotated[Text, Field(min_length=1, max_length=200)]
    rubric: Annotated[
        Template,
        Field(description="What makes an answer good. Input, output and expected are shown too."),
    ]
    threshold: Annotated[Number, Field(ge=0, le=1)] = 0.7
    scale: JudgeScale | None = None
    labels: Annotated[list[Tag] | None, Field(min_length=2, max_length=20)] = None
    passing_labels: Annotated[list[Tag] | None, Field(min_length=1, max_length=20)] = None
    calibration: JudgeCalibration | None = None
    max_output_tokens: Annotated[WholeNumber, Field(ge=16, le=16_000)] = 1_000

    @model_validator(mode="after")
    def _has_one_way(self) -> "ModelJudgeGrader":
        if (self.labels is None) != (self.passing_labels is None):
            raise ValueError("`labels` and `passing_labels` go together")
        if self.labels is not None and self.scale is not None:
            raise ValueError("a judge has `labels` or a `scale`")
        if not set(self.passing_labels or ()) <= set(self.labels or ()):
            raise ValueError("`passing_labels` must be among `labels`")
        return self


class ExpectedToolCall(Input):
    """A call of a tool; of its arguments at least these, as they are."""

    name: ToolName
    arguments: Annotated[
        dict[str, Any], Field(max_length=64, description="A part of them is enough.")
    ] = Field(default_factory=dict)


class ToolUseGrader(GraderBase):
    """The tools that were called; without `calls` those of the case's `expected.tool_calls`."""

    type: Literal["tool_use"]
    calls: Annotated[list[ExpectedToolCall] | None, Field(max_length=50)] = None
    order: Annotated[
        Literal["any", "in_order", "exact"],
        Field(description="`in_order`: others may come between; `exact`: these and no others."),
    ] = "any"
    forbidden: Annotated[list[ToolName], Field(max_length=100)] = Field(default_factory=list)


class CostGrader(GraderBase):
    """The answer costs no more; without a known price it does not pass."""

    type: Literal["cost"]
    max_usd: Annotated[Decimal | None, Field(gt=0, le=1_000_000), DecimalText()] = None
    max_tokens: Annotated[
        WholeNumber | None, Field(ge=1, le=1_000_000_000, description="Read and written.")
    ] = None

    @model_validator(mode="after")
    def _bounds(self) -> "CostGrader":
        if self.max_usd is None and self.max_tokens is None:
            raise ValueError("give `max_usd` or `max_tokens`")
        return self


class LatencyGrader(GraderBase):
    """The answer takes no longer."""

    type: Literal["latency"]
    max_ms: Annotated[WholeNumber | None, Field(ge=1, le=86_400_000)] = None
    max_first_token_ms: Annotated[WholeNumber | None, Field(ge=1, le=86_400_000)] = None

    @model_validator(mode="after")
    def _bounds(self) -> "LatencyGrader":
        if self.max_ms is None and self.max_first_token_ms is None:
            raise ValueError("give `max_ms` or `max_first_token_ms`")
        return self


class StepsGrader(GraderBase):
    """The answer takes no more calls of models and tools."""

    type: Literal["steps"]
    max_steps: Annotated[WholeNumber, Field(ge=1, le=10_000)]


Grader = Annotated[
    ExactGrader
    | ContainsGrader
    | RegexGrader
    | JsonSchemaGrader
    | JsonPathGrader
    | NumericGrader
    | SimilarityGrader
    | ModelJudgeGrader
    | ToolUseGrader
    | CostGrader
    | LatencyGrader
    | StepsGrader,
    Field(discriminator="type"),
]
