"""A model's draft as a template's content, or what is wrong with it."""

import re
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from app.agents.templates.body import AgentBody, PromptBody, TemplateExample
from app.agents.templates.content import Content, wrong_with
from app.agents.templates.schemas import Category
from app.core.json_limits import storable

MOST_TOLD = 12
MOST_CATEGORY: Final = 40
T = TypeVar("T", bound=BaseModel)


class DraftInvalid(Exception):
    """`mistakes` are what the model is told to mend."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes[:MOST_TOLD]


def _as_category(value: Any) -> Any:
    """`Customer support!` as `customer-support`: no generation fails for how it is written."""
    plain = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-") if isinstance(value, str) else ""
    return plain[:MOST_CATEGORY].strip("-") or "general"


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Named(_Said):
    name: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$", max_length=64)]
    description: str = ""


class Brief(_Said):
    """What a good template needs."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    category: Annotated[Category, BeforeValidator(_as_category)] = "general"
    purpose: Annotated[str, Field(min_length=1, max_length=4000)]
    variables: Annotated[list[Named], Field(max_length=32)] = []
    rules: Annotated[list[str], Field(max_length=40)] = []
    criteria: Annotated[list[str], Field(min_length=1, max_length=8)]


class _Variable(Named):
    type: Literal["string", "integer", "number", "boolean", "array"]
    default: str | None = None


class _Message(_Said):
    role: Literal["system", "user", "assistant"]
    content: Annotated[str, Field(min_length=1)]


class _Value(_Said):
    name: str
    value: str


class _Example(_Said):
    name: str
    variables: list[_Value] = []
    input: Annotated[str, Field(max_length=20_000)] = ""


class Draft(_Said):
    """What the model wrote."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=2000)] = ""
    variables: Annotated[list[_Variable], Field(max_length=32)] = []
    messages: Annotated[list[_Message], Field(min_length=1, max_length=16)]
    examples: Annotated[list[_Example], Field(min_length=1, max_length=5)]


def read_brief(answer: str) -> Brief:
    """Raises DraftInvalid."""
    return _read(Brief, answer)


def read_draft(answer: str, kind: str) -> tuple[Draft, Content]:
    """Raises DraftInvalid for what is no template that can be used."""
    draft = _read(Draft, answer)
    try:
        content = _content(draft, kind)
    except ValidationError as error:
        raise DraftInvalid(_mistakes(error)) from error
    if wrong := wrong_with(content):
        raise DraftInvalid([f"{each.pointer}: {each.detail}" for each in wrong])
    return draft, content


def bare_json(answer: str) -> Any:
    """The JSON of an answer, out of its fence where it has one; raises DraftInvalid."""
    text = answer.strip().removeprefix("```json").removeprefix("```").removesuffix("```")
    try:
        return storable(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise DraftInvalid([f"the answer is not JSON: {error}"]) from error


def _read(shape: type[T], answer: str) -> T:
    try:
        return shape.model_validate(bare_json(answer))
    except ValidationError as error:
        raise DraftInvalid(_mistakes(error)) from error


def _mistakes(error: ValidationError) -> list[str]:
    return [
        f"{''.join(f'/{part}' for part in each['loc'])}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)
    ]


def _content(draft: Draft, kind: str) -> Content:
    properties: dict[str, Any] = {}
    for each in draft.variables:
        rule: dict[str, Any] = {"type": each.type, "description": each.description}
        if each.default is not None:
            rule["default"] = _value(each.default, each.type)
        properties[each.name] = rule
    schema = {
        "type": "object",
        "properties": properties,
        "required": [each.name for each in draft.variables if each.default is None],
    }
    types = {each.name: each.type for each in draft.variables}
    examples = tuple(
        TemplateExample(
            name=each.name[:200] or "Example",
            variables={
                one.name: _value(one.value, types.get(one.name, "string")) for one in each.variables
            },
            input=each.input,
        )
        for each in draft.examples
    )
    return Content(schema, _body(draft, kind), examples)


def _body(draft: Draft, kind: str) -> PromptBody | AgentBody:
    if kind == "prompt":
        messages = [each.model_dump() for each in draft.messages]
        return PromptBody.model_validate({"type": "prompt", "messages": messages})
    if len(draft.messages) != 1 or draft.messages[0].role != "system":
        raise DraftInvalid(["/messages: an agent has exactly one message, of the role system"])
    definition = {"instructions": draft.messages[0].content}
    return AgentBody.model_validate({"type": "agent", "definition": definition})


def _value(written: str, kind: str) -> Any:
    """A value out of JSON in a string; a text that is no JSON is meant as it is."""
    try:
        value = orjson.loads(written)
    except orjson.JSONDecodeError:
        return written
    return value if kind != "string" or isinstance(value, str) else written
