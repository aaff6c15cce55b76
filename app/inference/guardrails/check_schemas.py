"""The kinds of checks, on the wire and as they are stored."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from app.core.schema import Input, Text
from app.inference.guardrails.detectors.personal import USUAL, Entity

Where = Annotated[
    Literal["input", "output", "both"],
    Field(description="What is checked: the request, the answer (also while it streams), or both."),
]
Score = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[
    float, Field(gt=0, le=60, description="How long the check may take, in seconds.")
]
OnError = Annotated[
    Literal["open", "closed"],
    Field(description="What a failed check means: the call goes on, or it is refused."),
]
Masking = Annotated[
    Literal["mask", "refuse", "flag"],
    Field(description="Put a placeholder in its place, refuse the call, or only note it."),
]
Judging = Annotated[
    Literal["refuse", "flag"], Field(description="Refuse the call, or only note it.")
]
Restores = Annotated[
    bool,
    Field(description="Put the masked values of the request back where the answer names them."),
]
Model = Annotated[
    Text, Field(min_length=1, max_length=256, description="A model, as `GET /v1/models` names it.")
]
Keyword = Annotated[Text, Field(min_length=1, max_length=200)]
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


def _bounded(schema: dict[str, Any]) -> dict[str, Any]:
    if len(repr(schema)) > 65_536:
        raise ValueError("must be at most 64 KiB")
    return schema


class SecretsCheck(Input):
    """Keys, tokens, passwords and private keys."""

    kind: Literal["secrets"]
    stage: Where = "both"
    action: Masking = "mask"
    restore: Restores = True


class PersonalDataCheck(Input):
    """Personal data that has a form, held to checksums and number plans."""

    kind: Literal["personal_data"]
    stage: Where = "both"
    action: Masking = "mask"
    restore: Restores = True
    entities: Annotated[
        list[Entity],
        Field(
            default_factory=lambda: list(USUAL),
            min_length=1,
            max_length=20,
            description="What is looked for.",
        ),
    ]
    regions: Annotated[
        list[Region],
        Field(
            default_factory=lambda: ["US"],
            max_length=5,
            description="Where a telephone number without a country code may be (ISO 3166).",
        ),
    ]


class PromptInjectionCheck(Input):
    """Attempts to talk the model out of its instructions, in what users and tools say."""

    kind: Literal["prompt_injection"]
    action: Judging = "refuse"
    threshold: Annotated[Score, Field(description="From which score on it is one.")] = 0.6


class RegexCheck(Input):
    """A pattern of one's own, in RE2's syntax (no look-around, no back references)."""

    kind: Literal["regex"]
    stage: Where = "both"
    action: Annotated[
        Literal["mask", "replace", "refuse", "flag"],
        Field(description="Put a placeholder or the replacement in its place, refuse, or note it."),
    ] = "refuse"
    label: Annotated[
        str,
        Field(pattern=r"^[A-Z][A-Z0-9_]{0,39}$", description="What placeholders call it."),
    ] = "MATCH"
    pattern: Annotated[Text, Field(min_length=1, max_length=1000)]
    ignore_case: bool = False
    replacement: Annotated[Text, Field(max_length=200)] = ""
    reach: Annotated[
        int,
        Field(
            ge=1,
            le=1000,
            description="How long a match can be: so much of a stream is held back.",
        ),
    ] = 100
    restore: Restores = True


class TopicCheck(Input):
    """What is talked about: words that must not be said, and topics by their meaning."""

    kind: Literal["topic"]
    stage: Where = "input"
    action: Judging = "refuse"
    mode: Annotated[
        Literal["deny", "allow"],
        Field(description="Whether the topics are those that are refused, or all that is let."),
    ] = "deny"
    keywords: Annotated[
        list[Keyword],
        Field(
            default_factory=list,
            max_length=200,
            description="Words and phrases; only where `mode` is `deny`.",
        ),
    ]
    topics: Annotated[
        list[Annotated[Text, Field(min_length=3, max_length=500)]],
        Field(
            default_factory=list,
            max_length=20,
            description="Descriptions that texts are compared with by meaning.",
        ),
    ]
    threshold: Annotated[
        Score, Field(description="The cosine similarity from which a text is about a topic.")
    ] = 0.3
    timeout_seconds: Seconds = 5
    on_error: OnError = "open"


class JudgeCheck(Input):
    """A model of the workspace judges by a policy in plain words; it costs what a call costs."""

    kind: Literal["judge"]
    stage: Where = "input"
    action: Judging = "refuse"
    model: Model
    policy: Annotated[
        Text, Field(min_length=1, max_length=8000, description="What is allowed, and what is not.")
    ]
    threshold: Annotated[Score, Field(description="How sure the judge must be.")] = 0.5
    timeout_seconds: Seconds = 15
    on_error: OnError = "open"


class ModerationCheck(Input):
    """The moderation endpoint of an integration that speaks OpenAI's."""

    kind: Literal["moderation"]
    stage: Where = "both"
    action: Judging = "refuse"
    model: Model = "omni-moderation-latest"
    categories: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=60)]],
        Field(
            default_factory=list,
            max_length=40,
            description="Only these (`violence`, `self-harm` …); none: all.",
        ),
    ]
    threshold: Annotated[Score, Field(description="From which score on it counts.")] = 0.5
    timeout_seconds: Seconds = 5
    on_error: OnError = "open"


class JsonSchemaCheck(Input):
    """Holds the whole answer to a JSON schema (Draft 2020-12 unless it says another)."""

    kind: Literal["json_schema"]
    action: Judging = "refuse"
    json_schema: Annotated[
        dict[str, Any],
        Field(description="At most 64 KiB; no references to other documents."),
        AfterValidator(_bounded),
    ]


GuardrailCheck = Annotated[
    SecretsCheck
    | PersonalDataCheck
    | PromptInjectionCheck
    | RegexCheck
    | TopicCheck
    | JudgeCheck
    | ModerationCheck
    | JsonSchemaCheck,
    Field(discriminator="kind"),
]
