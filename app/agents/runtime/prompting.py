"""pydantic-ai's messages, as far as its loop needs them, and ours, as models are shown them.

The loop decides what happens next; what was said stands in the journal. Its first message stands
for all that the agent was asked. It knows one tool alone, which takes every call: so the toolbox
answers each, also one of a tool that is not there, or with arguments that nobody can read.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryFeedbackPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from app.agents.runtime.models import ExecutionStep
from app.agents.runtime.words import calls_of, restored
from app.inference.providers import types
from app.inference.providers.types import Message, Part, ToolResultPart

OPENING = ""
CALL = "call"


def response_of(parts: Iterable[Part]) -> ModelResponse:
    """A model's answer for the loop."""
    made: list[TextPart | ToolCallPart] = []
    for part in parts:
        if isinstance(part, types.TextPart) and part.text:
            made.append(TextPart(part.text))
        elif isinstance(part, types.ToolCallPart):
            called = {"name": part.name, "arguments": part.arguments}
            made.append(ToolCallPart(CALL, called, tool_call_id=part.id))
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
    calls = calls_of(parts)
    if not calls:
        return [UserPromptPart(mended)]
    return [_result(call.id, results.get((number, call.id))) for call in calls]


def _result(call_id: str, step: ExecutionStep | None) -> Any:
    # Runs of earlier versions have no step where a tool was not there.
    outcome = (step.outcome if step is not None else None) or {"text": "There is no such tool."}
    part = ToolReturnPart(CALL, outcome["text"], tool_call_id=call_id)
    if step is None or step.is_error:
        part.outcome = "failed"
    return part


def conversation_of(
    messages: Sequence[ModelMessage], answers: Sequence[ExecutionStep]
) -> list[Message]:
    """What models are shown of the loop's messages, after what the agent was asked."""
    shown: list[Message] = []
    said = iter(answers)
    names: dict[str, str] = {}
    for message in messages[1:]:
        if isinstance(message, ModelResponse):
            parts = restored((next(said).outcome or {})["parts"])
            names = {call.id: call.name for call in calls_of(parts)}
            shown.append(Message("assistant", parts))
        else:
            shown += _requests(message, names)
    return shown


def _requests(request: ModelRequest, names: Mapping[str, str]) -> list[Message]:
    """`names` are those of the tools that were called, by the calls' ids."""
    results: list[Part] = []
    others: list[Message] = []
    for part in request.parts:
        if isinstance(part, ToolReturnPart):
            call_id, failed = part.tool_call_id, part.outcome == "failed"
            results.append(ToolResultPart(call_id, names[call_id], str(part.content), failed))
        elif isinstance(part, UserPromptPart | RetryFeedbackPart):
            others.append(Message("user", (types.TextPart(str(part.content)),)))
    return [*([Message("tool", tuple(results))] if results else []), *others]
