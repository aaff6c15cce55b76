"""What a version of a template says: its variables and its body, and what is wrong with them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from app.agents.definitions.checking import form_mistakes, own_mistakes
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.json_schemas import mistake_in
from app.agents.templates import filling
from app.agents.templates import variables as variable
from app.agents.templates.body import (
    FLOW,
    AgentBody,
    Body,
    PromptBody,
    TemplateExample,
    WorkflowBody,
)
from app.core.errors import FieldError

CODE: Final = "template_invalid"
MOST_BYTES: Final = 512 * 1024
MOST_MISTAKES: Final = 20
_BODIES: Final[TypeAdapter[Body]] = TypeAdapter(Body)
_EXAMPLES: Final = TypeAdapter(list[TemplateExample])


@dataclass(frozen=True, slots=True)
class Content:
    """`variables` is a JSON Schema, `examples` are values for it with what must come of them."""

    variables: dict[str, Any]
    body: Body
    examples: Sequence[TemplateExample] = field(default_factory=tuple)

    @property
    def kind(self) -> str:
        return self.body.type

    def told(self) -> dict[str, Any]:
        """The columns of a version."""
        return {
            "variables": self.variables,
            "body": self.body.model_dump(mode="json"),
            "examples": [each.model_dump(mode="json") for each in self.examples],
        }

    @property
    def digest(self) -> str:
        """The SHA-256 of variables, body and examples, in hexadecimal digits."""
        written = orjson.dumps(self.told(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(written).hexdigest()


def content_of(version: Any) -> Content:
    """What a stored version says."""
    return Content(
        version.variables,
        _BODIES.validate_python(version.body),
        tuple(_EXAMPLES.validate_python(version.examples)),
    )


def read(told: Mapping[str, Any]) -> Content:
    """Content out of JSON; raises ValidationError."""
    return Content(
        dict(told.get("variables") or variable.NOTHING),
        _BODIES.validate_python(told.get("body")),
        tuple(_EXAMPLES.validate_python(told.get("examples") or [])),
    )


def wrong_with(content: Content) -> list[FieldError]:
    """Everything that keeps a template from being used, by where it is in a request's body."""
    if len(orjson.dumps(content.told())) > MOST_BYTES:
        return [FieldError("/body/body", CODE, "the template is longer than 512 KiB")]
    wrong = variable.wrong_with(content.variables, "/body/variables")
    if wrong:
        return wrong
    if isinstance(content.body, PromptBody):
        wrong = _wrong_prompt(content.body, variable.declared(content.variables))
    elif isinstance(content.body, AgentBody):
        wrong = _wrong_agent(content.body, content.variables)
    else:
        wrong = _wrong_workflow(content.body, variable.declared(content.variables))
    return wrong or _wrong_examples(content)


def _wrong_prompt(body: PromptBody, known: set[str]) -> list[FieldError]:
    from app.agents.definitions.templates import (  # noqa: PLC0415 - Jinja is not needed at start
        TemplateUnfit,
        names_in,
    )

    wrong = []
    for number, message in enumerate(body.messages):
        pointer = f"/body/body/messages/{number}/content"
        try:
            unknown = sorted(names_in(message.content) - known)
        except TemplateUnfit as error:
            wrong.append(FieldError(pointer, CODE, str(error)))
            continue
        wrong += [_undeclared(pointer, name) for name in unknown]
    if body.output_schema is not None and (mistake := mistake_in(body.output_schema)):
        wrong.append(FieldError("/body/body/output_schema", CODE, mistake))
    return wrong


def _undeclared(pointer: str, name: str) -> FieldError:
    return FieldError(pointer, "variable_undeclared", f"`{name}` is not among the variables")


def _wrong_agent(body: AgentBody, schema: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong once values stand in for the variables."""
    keys = [member.key for member in body.members]
    if len(set(keys)) != len(keys):
        return [FieldError("/body/body/members", CODE, "two members have one key")]
    values = variable.stand_ins(schema)
    wrong = []
    documents = [("/body/body/definition", body.definition)] + [
        (f"/body/body/members/{number}/definition", member.definition)
        for number, member in enumerate(body.members)
    ]
    for pointer, document in documents:
        _, found = definition_of(document, values, pointer)
        wrong += found
    return wrong


def definition_of(
    document: Mapping[str, Any], values: Mapping[str, Any], pointer: str
) -> tuple[AgentDefinition | None, list[FieldError]]:
    """An agent's definition with the values in it, or what it has wrong."""
    told = filling.fill(document, values)
    try:
        definition = AgentDefinition.model_validate(told)
    except ValidationError as error:
        return None, list(form_mistakes(error, told, pointer))[:MOST_MISTAKES]
    wrong = own_mistakes(definition, pointer)[:MOST_MISTAKES]
    return (None, wrong) if wrong else (definition, [])


def _wrong_workflow(body: WorkflowBody, known: set[str]) -> list[FieldError]:
    """What the room of workflows need not be asked for."""
    if body.workflow.get("dsl") != FLOW:
        return [FieldError("/body/body/workflow/dsl", CODE, f'must be "{FLOW}"')]
    return [
        FieldError(
            f"/body/variables/properties/{name}", "variable_reserved", "is the workflow's own name"
        )
        for name in sorted(known & filling.FLOW_NAMES)
    ]


def _wrong_examples(content: Content) -> list[FieldError]:
    """Where an example does not give what it says."""
    wrong = []
    for number, example in enumerate(content.examples):
        place = f"/body/examples/{number}"
        values, found = variable.filled(content.variables, example.variables, f"{place}/variables")
        wrong += found
        if found:
            continue
        try:
            text = text_of(content, values)
        except ValueError as error:
            wrong.append(FieldError(place, CODE, str(error)))
            continue
        wrong += [
            FieldError(f"{place}/contains", CODE, f"what is rendered has no {each!r}"[:300])
            for each in example.contains
            if each not in text
        ]
        wrong += [
            FieldError(f"{place}/excludes", CODE, f"what is rendered has {each!r}"[:300])
            for each in example.excludes
            if each in text
        ]
    return wrong


def messages_of(body: PromptBody, values: Mapping[str, Any]) -> list[dict[str, str]]:
    """A prompt's messages with the values in them; raises ValueError."""
    from app.agents.definitions.templates import rendered  # noqa: PLC0415 - not needed at start

    return [
        {"role": each.role, "content": rendered(each.content, values)} for each in body.messages
    ]


def text_of(content: Content, values: Mapping[str, Any]) -> str:
    """All that a template says with these values, as one text; raises ValueError."""
    body = content.body
    if isinstance(body, PromptBody):
        return "\n\n".join(each["content"] for each in messages_of(body, values))
    if isinstance(body, AgentBody):
        documents = [body.definition, *(member.definition for member in body.members)]
        return "\n\n".join(_words_of(filling.fill(each, values)) for each in documents)
    return orjson.dumps(filling.fill_flow(body.workflow, values)).decode()


def _words_of(definition: Any) -> str:
    """An agent's instructions, and the rest of it as JSON."""
    rest = {key: value for key, value in definition.items() if key != "instructions"}
    return f"{definition.get('instructions', '')}\n{orjson.dumps(rest).decode()}"
