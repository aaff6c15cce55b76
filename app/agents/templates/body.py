"""What a template is made of, by its kind, and the examples that show it."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from app.agents.definitions.definition import AgentParameters
from app.core.schema import Input, Number, Text

MOST_CHARACTERS = 100_000
MOST_MEMBERS = 16
FLOW = "flow/1"
Kind = Literal["prompt", "agent", "workflow"]
Words = Annotated[list[Annotated[Text, Field(min_length=1, max_length=500)]], Field(max_length=20)]


class PromptMessage(Input):
    """One message of a prompt; its content is a Jinja template of the template's variables."""

    role: Literal["system", "user", "assistant"]
    content: Annotated[Text, Field(max_length=MOST_CHARACTERS)]


class PromptBody(Input):
    """Messages to a model, and how it is to answer."""

    type: Literal["prompt"]
    messages: Annotated[list[PromptMessage], Field(min_length=1, max_length=64)]
    model: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Null: the usual one.")
    ] = None
    parameters: AgentParameters = AgentParameters()
    output_schema: Annotated[
        dict[str, Any] | None,
        Field(max_length=64, description="The JSON Schema of the answer; null: text."),
    ] = None


class Member(Input):
    """An agent that is made together with the template's own, which names it by its key."""

    key: Annotated[Text, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    name: Annotated[Text, Field(min_length=1, max_length=200)]
    description: Annotated[Text, Field(max_length=2000)] = ""
    definition: Annotated[dict[str, Any], Field(max_length=64)]


class AgentBody(Input):
    """An agent's definition, in which `{{ name }}` stands for the value of a variable.

    A string that is nothing else takes the value as it is: a number, a list. What is no variable of
    the template stays for the agent's own instructions. `members` are agents that work in it; where
    the definition names an agent by a member's key, that member is meant.
    """

    type: Literal["agent"]
    definition: Annotated[dict[str, Any], Field(max_length=64)]
    members: Annotated[list[Member], Field(max_length=MOST_MEMBERS)] = Field(default_factory=list)


class WorkflowBody(Input):
    """A workflow's definition, in which `{{ name }}` stands for the value of a variable.

    A string that is nothing else takes the value as it is: a number, a list. All else between
    braces is the workflow's own. Within expressions, values are best named by `vars`.
    """

    type: Literal["workflow"]
    workflow: Annotated[
        dict[str, Any], Field(max_length=64, description='A JSON object with `"dsl": "flow/1"`.')
    ]


Body = Annotated[PromptBody | AgentBody | WorkflowBody, Field(discriminator="type")]


class TemplateExample(Input):
    """Values for the variables, and what must be true of what comes of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "A greeting", "variables": {"company": "Acme"}, "contains": ["Acme"]}
            ]
        }
    )

    name: Annotated[Text, Field(min_length=1, max_length=200)]
    variables: Annotated[dict[str, Any], Field(max_length=64)] = Field(default_factory=dict)
    input: Annotated[
        Text, Field(max_length=20_000, description="What is then said to it, to try it out.")
    ] = ""
    contains: Annotated[Words, Field(description="Texts that the rendered template has.")] = Field(
        default_factory=list
    )
    excludes: Annotated[Words, Field(description="Texts that it does not have.")] = Field(
        default_factory=list
    )


class Evidence(Input):
    """What an evaluation of a version showed."""

    score: Annotated[Number, Field(ge=0, le=1)]
    cases: Annotated[list[dict[str, Any]], Field(max_length=50)]
    note: Annotated[Text, Field(max_length=2000)] = ""
