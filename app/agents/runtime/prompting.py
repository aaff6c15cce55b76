"""pydantic-ai's messages, as far as its loop needs them, and ours, as models are shown them.

The loop decides what happens next; what was said stands in the journal. Its first message stands
for all that the agent was asked.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.words import restored
from app.inference.providers import types
from app.inference.providers.types import Message, Part, ToolResultPart

OPENING = ""


def response_of(parts: Iterable[Part]) -> ModelResponse:
    """A model's answer for the loop."""
    made: list[TextPart | ToolCallPart] = []
    for part in parts:
        if isinstance(part, types.TextPart) and part.text:
            made.append(TextPart(part.text))
        elif isinstance(part, types.ToolCallPart):
            made.append(ToolCallPart(part.name, part.arguments, tool_call_id=part.id))
    return ModelResponse(parts=made, model_name="gateway")


def history_of(
    answers: Sequence[ExecutionStep], results: dict[tuple[int, str], ExecutionStep], mended: str
) -> list[ModelMessage]:
    """The loop's history of a path, up to its last answer: that one's calls are gone through again.

    `mended` is what a model was told whose answer did not do.
    """
    history: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart(OPENING)])]
    for step in answers:
        parts = restored((step.outcome or {})["parts"])
        history.append(response_of(parts))
        if step is not answers[-1]:
            history.append(ModelRequest(parts=_answered(step.number, parts, results, mended)))
    return history


def _answered(
    number: int,
    parts: Sequence[Part],
    results: dict[tuple[int, str], ExecutionStep],
    mended: str,
) -> list[Any]:
    calls = [part for part in parts if isinstance(part, types.ToolCallPart)]
    if not calls:
        return [UserPromptPart(mended)]
    return [_result(call, results.get((number, call.id))) for call in calls]


def _result(call: types.ToolCallPart, step: ExecutionStep | None) -> Any:
    if step is None or step.outcome is None:
        said = "There is no such tool, or its arguments could not be read."
        return ToolReturnPart(call.name, said, tool_call_id=call.id, outcome="failed")
    text = step.outcome["text"]
    if step.is_error:
        return ToolReturnPart(call.name, text, tool_call_id=call.id, outcome="failed")
    return ToolReturnPart(call.name, text, tool_call_id=call.id)


def conversation_of(
    messages: Sequence[ModelMessage], answers: Sequence[ExecutionStep]
) -> list[Message]:
    """What models are shown of the loop's messages, after what the agent was asked."""
    shown: list[Message] = []
    said = iter(answers)
    for message in messages[1:]:
        if isinstance(message, ModelResponse):
            shown.append(Message("assistant", restored((next(said).outcome or {})["parts"])))
        else:
            shown += _requests(message)
    return shown


def _requests(request: ModelRequest) -> list[Message]:
    results: list[Part] = []
    others: list[Message] = []
    for part in request.parts:
        if isinstance(part, ToolReturnPart):
            failed = part.outcome == "failed"
            text = part.content if isinstance(part.content, str) else part.model_response_str()
            results.append(ToolResultPart(part.tool_call_id, part.tool_name, text, failed))
        elif isinstance(part, RetryPromptPart) and part.tool_name is not None:
            text = part.content if isinstance(part.content, str) else part.model_response()
            results.append(ToolResultPart(part.tool_call_id, part.tool_name, text, is_error=True))
        elif isinstance(part, UserPromptPart):
            others.append(Message("user", (types.TextPart(str(part.content)),)))
        elif isinstance(part, RetryPromptPart):
            text = part.content if isinstance(part.content, str) else part.model_response()
            others.append(Message("user", (types.TextPart(text),)))
    return [*([Message("tool", tuple(results))] if results else []), *others]
