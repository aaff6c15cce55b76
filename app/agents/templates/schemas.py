"""Templates on the wire: what is asked."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.agents.templates.body import Body, Kind, TemplateExample
from app.core.bulk import MOST_ITEMS
from app.core.paging import PageQuery
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Metadata, Name, NotNull, Number, Text, WholeNumber
from app.identity.versioned.schemas import Label

Slug = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="Its name in addresses; unique among the workspace's templates.",
    ),
]
Description = Annotated[Text, Field(max_length=2000)]
Category = Annotated[
    Text,
    Field(
        max_length=40,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        description="`support`, `sales`, `legal`, `healthcare`, `software`, `finance` …",
    ),
]
Language = Annotated[Text, Field(max_length=35, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
Visibility = Annotated[
    Literal["workspace", "private"],
    Field(description="A private one is seen by its owner, and by those it is shared with."),
]
Status = Literal["draft", "published", "archived"]
Variables = Annotated[
    dict[str, Any],
    Field(max_length=64, description="The JSON Schema of an object; its defaults are filled in."),
]
Values = Annotated[
    dict[str, Any], Field(max_length=256, description="Values for the template's variables.")
]
Examples = Annotated[
    list[TemplateExample],
    Field(max_length=20, description="A template that one of them does not hold for is refused."),
]
Note = Annotated[Text, Field(max_length=500, description="What is new in this version.")]
VersionNumber = Annotated[WholeNumber, Field(ge=1, le=100_000)]
ID = "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"
VARIABLES: JsonDict = {
    "type": "object",
    "properties": {"company": {"type": "string", "default": "Acme"}},
}
BODY: JsonDict = {
    "type": "prompt",
    "messages": [
        {"role": "system", "content": "You answer the customers of {{ company }}, in short."}
    ],
}


class TemplateCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Short answers",
                    "category": "support",
                    "variables": VARIABLES,
                    "body": BODY,
                }
            ]
        }
    )

    name: Name
    slug: Annotated[Slug | None, Field(description="Default: made of the name.")] = None
    description: Description = ""
    category: Category = "general"
    language: Language = "en"
    visibility: Visibility = "workspace"
    variables: Variables = Field(default_factory=lambda: {"type": "object", "properties": {}})
    body: Body
    examples: Examples = Field(default_factory=list)
    note: Note = ""
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]


class TemplateUpdate(Input):
    """A merge patch. With `variables`, `body` or `examples` it makes a new version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Shorter answers"}]})

    name: Annotated[Name | None, NotNull] = None
    slug: Annotated[Slug | None, NotNull] = None
    description: Description | None = None
    category: Annotated[Category | None, NotNull] = None
    language: Annotated[Language | None, NotNull] = None
    visibility: Annotated[Visibility | None, NotNull] = None
    metadata: Metadata | None = None
    variables: Annotated[
        Variables | None, NotNull, Field(description="The whole schema: it is not merged.")
    ] = None
    body: Annotated[
        Body | None, NotNull, Field(description="Of the same kind, and whole: it is not merged.")
    ] = None
    examples: Annotated[Examples | None, NotNull] = None
    note: Note = ""


class TemplateQuery(RestorableQuery):
    q: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the name.")
    ] = None
    kind: Annotated[Kind | None, Field(description="Only those of this kind.")] = None
    category: Annotated[Category | None, Field(description="Only those of this category.")] = None
    status: Annotated[Status | None, Field(description="Only those in this state.")] = None
    language: Annotated[Language | None, Field(description="Only those in this language.")] = None
    visibility: Annotated[
        Literal["workspace", "private"] | None, Field(description="Only those.")
    ] = None
    pack: Annotated[
        Text | None, Field(max_length=40, description="Only those installed from this pack.")
    ] = None


class TemplateVersionQuery(PageQuery):
    """Which versions to list."""


class TemplateRollback(Input):
    """An earlier version, to be the newest again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1}]})

    version: VersionNumber
    note: Note = ""


class TemplateLabelSet(Input):
    """The version that a label names."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1}]})

    version: VersionNumber


class TemplatePublish(Input):
    """Which version is to be used: `production` names it from then on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"min_score": 0.7}]})

    version: Annotated[VersionNumber | None, Field(description="Default: the newest.")] = None
    min_score: Annotated[
        Number | None, Field(ge=0, le=1, description="Refuse one whose evidence shows less.")
    ] = None


class TemplateDuplicate(Input):
    """The copy's name; the caller owns it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Answers for partners"}]})

    name: Annotated[Name | None, Field(description="Default: the template's own.")] = None
    slug: Annotated[Slug | None, Field(description="Default: made of the name.")] = None
    visibility: Visibility = "workspace"


class Chosen(Input):
    """Values for the variables, and which version they are for.

    The version, or the one that the label names; with neither `production`, and where that is not
    set, the newest one. The label `draft` always names the newest.
    """

    variables: Values = Field(default_factory=dict)
    version: VersionNumber | None = None
    label: Label | None = None


class TemplateRender(Chosen):
    model_config = ConfigDict(json_schema_extra={"examples": [{"variables": {"company": "Acme"}}]})


class TemplatePreview(Chosen):
    """What is then said to it, and by which model it is answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"variables": {"company": "Acme"}, "input": "Where is my parcel?"}]
        }
    )

    input: Annotated[
        Text, Field(max_length=100_000, description="Said by the user, after all else.")
    ] = ""
    model: Annotated[
        Text | None,
        Field(min_length=1, max_length=200, description="Default: the template's, or the usual."),
    ] = None
    max_output_tokens: Annotated[WholeNumber, Field(ge=1, le=32_000)] = 1000


class TemplateInstantiate(Chosen):
    """What is made of it is called so."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Front desk", "variables": {"company": "Acme"}}]}
    )

    name: Annotated[Name | None, Field(description="Default: the template's own.")] = None


class TemplateBulkItem(Input):
    action: Literal["delete", "restore", "archive"]
    id: UUID


class TemplateBulk(Input):
    items: Annotated[list[TemplateBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"action": "archive", "id": ID}]}]}
    )


class TemplateGenerate(Input):
    """What the template is for, in your own words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"description": "Turns angry customer letters into calm summaries for support."}
            ]
        }
    )

    description: Annotated[Text, Field(min_length=10, max_length=8000)]
    kind: Literal["prompt", "agent"] = "prompt"
    examples: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=8000)]],
        Field(max_length=10, description="Inputs, or pairs of input and answer, as text."),
    ] = Field(default_factory=list)
    model: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Default: the usual one.")
    ] = None
    name: Annotated[Name | None, Field(description="Default: the model finds one.")] = None
    category: Category | None = None
    language: Language = "en"


class TemplateExportQuery(Input):
    format: Annotated[Literal["json", "yaml"], Field(description="How it is written.")] = "json"


class TemplateImport(Input):
    """A file's text: templates of ours (JSON, YAML), or what was saved of OpenAI's prompts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "content": '{"id": "pmpt_abc", "name": "Greeter", "version": "1", '
                    '"messages": [{"role": "developer", "content": "Greet {{name}}."}]}'
                }
            ]
        }
    )

    content: Annotated[
        Text, Field(min_length=1, max_length=8_000_000, description="JSON, JSON lines or YAML.")
    ]
    category: Category = "general"
    visibility: Visibility = "workspace"
