"""The node type `llm`: one question to a model, its answer streamed, or checked by a schema."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final

import orjson
from pydantic import Field

from app.automation.language.flow import Schema
from app.automation.language.marks import JINJA, marked
from app.automation.nodes.faults import expect_allowed, fault_of
from app.automation.nodes.fields import is_template
from app.automation.nodes.node_type import Given, StepContext, StepFault, TaskNode
from app.automation.nodes.paying import PURPOSE, payer_of_step
from app.core.auth import Access, Permission
from app.core.errors import AppError, FieldError
from app.core.ids import new_id
from app.core.json_schemas import validator_of
from app.core.schema import Input, Number, Text, WholeNumber
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.telling import Telling
from app.inference.calls.totals import Total, total_of
from app.inference.gate.errors import BudgetExceeded
from app.inference.integrations.directory import Target
from app.inference.providers.errors import ContentFiltered
from app.inference.providers.types import (
    ChatRequest,
    Finished,
    FinishReason,
    Message,
    ResponseFormat,
    Role,
    TextDelta,
    TextPart,
)
from app.inference.routing.plan import Question
from app.inference.usage.payer import payer_of
from app.inference.usage.service import estimate_input

MOST_CHARACTERS: Final = 200_000
MOST_REPAIRS: Final = 2
MEND: Final = (
    "Your answer does not satisfy the required JSON schema ({why}). "
    "Answer again with JSON alone that satisfies it."
)
# Of what is asked, for the category of a route that learns.
_SHOWN: Final = 4000


class LlmConfig(Input):
    model: Annotated[
        Text | None,
        Field(min_length=1, max_length=300, description="`openai/gpt-5.5`; default: the usual."),
    ] = None
    route: Annotated[
        Text | None,
        Field(min_length=1, max_length=300, description="A route, in place of a model."),
    ] = None
    prompt: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=MOST_CHARACTERS,
            description="Jinja: `{{ inputs.question }}`, `{% for … %}`.",
            json_schema_extra=marked(JINJA),
        ),
    ]
    system: Annotated[
        Text,
        Field(max_length=MOST_CHARACTERS, json_schema_extra=marked(JINJA)),
    ] = ""
    temperature: Annotated[Number | None, Field(ge=0, le=2)] = None
    max_output_tokens: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    output_schema: Annotated[
        Schema | None,
        Field(description="The answer is JSON that satisfies it, and `output` that JSON."),
    ] = None


class Llm(TaskNode[LlmConfig]):
    """What a model answers is told as it comes; JSON for a schema only once it satisfies it."""

    name = "llm"
    title = "Ask a model"
    config = LlmConfig
    seconds = 300.0
    example: ClassVar[Mapping[str, Any]] = {
        "id": "summary",
        "type": "llm",
        "with": {
            "system": "You write for people in a hurry.",
            "prompt": "Summarise in two sentences:\n{{ inputs.text }}",
            "temperature": 0.2,
        },
    }

    sample: ClassVar[Any] = {
        "text": "…",
        "output": None,
        "model": "",
        "finish_reason": "stop",
        "usage": {"input_tokens": 0, "output_tokens": 0, "cost_usd": "0"},
    }

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def mistakes(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        if settings.get("model") is not None and settings.get("route") is not None:
            said = "is named beside a model: only one of them answers"
            return [FieldError("/route", "model_and_route", said)]
        return [*_of_schema(settings), *await self._of_model(access, settings)]

    async def _of_model(self, access: Access, settings: Mapping[str, Any]) -> Sequence[FieldError]:
        place = "model" if settings.get("model") is not None else "route"
        named = settings.get(place)
        if not isinstance(named, str) or is_template(named):
            return ()
        question = Question(None, agent_route=named)
        payer = payer_of(access, PURPOSE, new_id())
        try:
            await self._calls.plan(Order(payer, question, access.rules, access))
        except AppError as error:
            # Whoever only rests now may answer later.
            return () if error.retryable else [FieldError(f"/{place}", error.code, error.detail)]
        return ()

    def target(self, config: LlmConfig) -> str | None:
        return config.model or config.route or "the usual model"

    async def perform(self, ctx: StepContext, config: LlmConfig) -> Given:
        """Raises StepFault: `output_invalid`, and what asking a model raises."""
        expect_allowed(ctx, Permission.MODELS_INVOKE)
        return await _Asking(self._calls, ctx, config).answered()


@dataclass(slots=True)
class _Asking:
    """One step's conversation with a model: the question, and what is asked for once more."""

    calls: Calls
    ctx: StepContext
    config: LlmConfig
    messages: list[Message] = field(default_factory=list)
    total: Total = field(default_factory=Total)
    model: str = ""
    finish_reason: FinishReason = "stop"

    async def answered(self) -> Given:
        if self.config.system:
            self._add("system", self.config.system)
        self._add("user", self.config.prompt)
        said = await self._ask()
        if self.config.output_schema is None:
            return self._given(said, None)
        for attempt in range(MOST_REPAIRS + 1):
            why, value = read(self.config.output_schema, said)
            if why is None:
                return self._given(said, value)
            if attempt < MOST_REPAIRS:
                self.ctx.log(f"The answer does not satisfy its schema: {why}. Asked once more.")
                self._add("assistant", said or "(empty)")
                self._add("user", MEND.format(why=why))
                said = await self._ask()
        raise self._paid(StepFault("output_invalid", f"The answer has no use: {why}."))

    def _add(self, role: Role, text: str) -> None:
        self.messages.append(Message(role, (TextPart(text),)))

    async def _ask(self) -> str:
        config = self.config
        payer = payer_of_step(self.ctx)
        question = Question(
            None,
            estimate_input(tuple(self.messages)),
            config.max_output_tokens,
            needs=frozenset({"structured_output"} if config.output_schema is not None else ()),
            sticky=str(self.ctx.run_id),
            text=config.prompt[:_SHOWN],
            agent_route=config.model or config.route,
        )
        access = self.ctx.access
        try:
            grant = await self.calls.admit(Order(payer, question, access.rules, access))
            return await self._heard(self.calls.telling(grant, self._request))
        except BudgetExceeded:
            # The run waits until there is room, and the step is begun anew.
            raise
        except AppError as error:
            raise self._paid(fault_of(error)) from error

    async def _heard(self, telling: Telling) -> str:
        said: list[str] = []
        try:
            async with aclosing(telling.stream()) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        said.append(event.text)
                        self._tell(event.text)
                    elif isinstance(event, Finished):
                        self.finish_reason = event.reason
        finally:
            course = telling.course
            self.total += total_of([each for each in course.calls if each.settled])
        self.model = course.attempt.target.reference
        if self.finish_reason == "length":
            self.ctx.log("The answer was cut off: it is as long as it may be.")
        if not said and self.finish_reason == "content_filter":
            raise ContentFiltered(course.attempt.target.endpoint.label, "the answer was withheld.")
        return "".join(said)

    def _tell(self, text: str) -> None:
        # JSON that may still be asked for anew is no text to be read along.
        if self.config.output_schema is None:
            self.ctx.text(text)

    def _request(self, target: Target) -> ChatRequest:
        config, form = self.config, None
        if config.output_schema is not None:
            form = ResponseFormat("json_schema", "answer", config.output_schema, strict=False)
        return ChatRequest(
            model=target.model,
            messages=tuple(self.messages),
            response_format=form,
            temperature=config.temperature,
            max_output_tokens=config.max_output_tokens,
        )

    def _given(self, said: str, value: Any) -> Given:
        total = self.total
        output = {
            "text": said,
            "output": value,
            "model": self.model,
            "finish_reason": self.finish_reason,
            "usage": {
                "input_tokens": total.input_tokens,
                "output_tokens": total.output_tokens,
                "cost_usd": None if total.cost_usd is None else f"{total.cost_usd:f}",
            },
        }
        return Given(
            output,
            input_tokens=total.input_tokens,
            output_tokens=total.output_tokens,
            cost_usd=total.cost_usd,
        )

    def _paid(self, fault: StepFault) -> StepFault:
        """The fault, with what the answers before it cost."""
        fault.input_tokens, fault.output_tokens = self.total.input_tokens, self.total.output_tokens
        fault.cost_usd = self.total.cost_usd
        return fault


def _of_schema(settings: Mapping[str, Any]) -> Sequence[FieldError]:
    schema = settings.get("output_schema")
    if not isinstance(schema, Mapping) or is_template(schema):
        return ()
    try:
        validator_of(schema, only_2020=True)
    except ValueError as error:
        return [FieldError("/output_schema", "schema_invalid", str(error)[:500])]
    return ()


def read(schema: Mapping[str, Any], text: str) -> tuple[str | None, Any]:
    """Why a text is no JSON of this schema, or (None and) what it says; raises StepFault."""
    try:
        value = orjson.loads(_bare(text))
    except orjson.JSONDecodeError as error:
        return f"it is not JSON: {error}", None
    try:
        validator = validator_of(schema, only_2020=True)
    except ValueError as error:
        raise StepFault("schema_invalid", f"The output schema {error}.") from None
    first = next(iter(validator.iter_errors(value)), None)
    if first is None:
        return None, value
    where = "/".join(["", *map(str, first.instance_path)]) or "/"
    return f"{where}: {first.message[:300]}", None


def _bare(text: str) -> str:
    """The text without the fence that models like to put around JSON."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```"):
        bare = bare.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    return bare
