"""A canonical request as a Chat Completions body."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Literal

from app.inference.providers.codec import Unsupported, text_of
from app.inference.providers.types import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
    ToolSpec,
)

DIALECT = "openai_chat"


@dataclass(frozen=True, slots=True)
class Wording:
    """Which names a server has for the same things; None where it has none."""

    max_tokens: Literal["max_completion_tokens", "max_tokens"] = "max_tokens"
    seed: Literal["seed", "random_seed"] = "seed"
    user: Literal["user"] | None = "user"
    asks_for_usage: bool = True
    # DeepSeek wants the reasoning behind a tool call back; others refuse or ignore it.
    returns_reasoning: bool = False


def encode_request(request: ChatRequest, wording: Wording, *, streaming: bool) -> dict[str, Any]:
    if request.extra.get("n") not in (None, 1):
        raise Unsupported("more than one choice (`n`) is not supported.")
    body: dict[str, Any] = {
        **request.extra,
        "model": request.model,
        "messages": [line for message in request.messages for line in encode(message, wording)],
        "stream": streaming,
    }
    if streaming and wording.asks_for_usage:
        body["stream_options"] = {"include_usage": True}
    else:
        body.pop("stream_options", None)
    if request.tools:
        body["tools"] = [encode_tool(tool) for tool in request.tools]
    optional: dict[str | None, Any] = {
        "tool_choice": encode_tool_choice(request.tool_choice),
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": encode_format(request.response_format),
        "temperature": request.temperature,
        "top_p": request.top_p,
        wording.max_tokens: request.max_output_tokens,
        "stop": list(request.stop) or None,
        wording.seed: request.seed,
        "reasoning_effort": request.reasoning_effort,
        wording.user: request.user,
    }
    body.update((name, value) for name, value in optional.items() if name and value is not None)
    return body


def encode(message: Message, wording: Wording) -> list[dict[str, Any]]:
    match message.role:
        case "system":
            return [{"role": "system", "content": text_of(message, DIALECT)}]
        case "user":
            return [{"role": "user", "content": encode_user(message)}]
        case "assistant":
            return [encode_assistant(message, wording)]
        case "tool":
            return [encode_result(part) for part in message.parts]


def encode_user(message: Message) -> str | list[dict[str, Any]]:
    if len(message.parts) == 1 and isinstance(message.parts[0], TextPart):
        return message.parts[0].text
    content: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case TextPart():
                content.append({"type": "text", "text": part.text})
            case ImagePart():
                content.append({"type": "image_url", "image_url": {"url": image_url(part)}})
            case _:
                raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a user message.")
    return content


def encode_assistant(message: Message, wording: Wording) -> dict[str, Any]:
    text, reasoning, calls = [], [], []
    for part in message.parts:
        match part:
            case TextPart():
                text.append(part.text)
            case ReasoningPart():
                # Earlier reasoning is the model's own scratch paper: the dialect has no place
                # for it, and nothing the user said is lost with it.
                reasoning.append(part.text)
            case ToolCallPart():
                function = {"name": part.name, "arguments": part.arguments}
                calls.append({"id": part.id, "type": "function", "function": function})
            case _:
                raise Unsupported(
                    f"{DIALECT} takes no {type(part).__name__} in an assistant message."
                )
    line: dict[str, Any] = {"role": "assistant", "content": "".join(text) or None}
    if calls:
        line["tool_calls"] = calls
        if wording.returns_reasoning and reasoning:
            line["reasoning_content"] = "".join(reasoning)
    elif not text:
        line["content"] = ""
    return line


def encode_result(part: object) -> dict[str, Any]:
    if not isinstance(part, ToolResultPart):
        raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a tool message.")
    content = f"Error: {part.content}" if part.is_error else part.content
    return {"role": "tool", "tool_call_id": part.call_id, "content": content}


def image_url(part: ImagePart) -> str:
    if part.data is not None:
        return f"data:{part.media_type};base64,{b64encode(part.data).decode()}"
    if part.url is None:
        raise Unsupported("an image needs its bytes or its address.")
    return part.url


def encode_tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": dict(tool.parameters)}
    if tool.description:
        function["description"] = tool.description
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def encode_tool_choice(choice: ToolChoice | None) -> str | dict[str, Any] | None:
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.name}}
    return choice


def encode_format(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if wanted.type == "json_object":
        return {"type": "json_object"}
    schema = {"name": wanted.name, "schema": dict(wanted.schema or {}), "strict": wanted.strict}
    return {"type": "json_schema", "json_schema": schema}
