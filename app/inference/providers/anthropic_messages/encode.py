"""A canonical request as a Messages body."""

import re
from base64 import b64encode
from typing import Any

import orjson

from app.inference.providers.codec import Unsupported, text_of
from app.inference.providers.types import (
    ChatRequest,
    ImagePart,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    ToolSpec,
)

DIALECT = "anthropic_messages"
DEFAULT_MAX_TOKENS = 8192
OLD_MAX_TOKENS = 4096
SMALLEST_BUDGET = 1024
BUDGETS = {
    "minimal": SMALLEST_BUDGET,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 24576,
    "max": 32000,
}
# Models up to 4.5 take a thinking budget; later ones decide by themselves, given an effort.
TAKES_BUDGET = re.compile(r"claude-(3|(opus|sonnet|haiku)-4(-[0-5])?(-\d{8}|-latest|@|$))")
CHOICES = {"auto": "auto", "required": "any", "none": "none"}
ROLES = {"user": "user", "tool": "user", "assistant": "assistant"}


def encode_request(request: ChatRequest, *, streaming: bool) -> dict[str, Any]:
    if request.seed is not None:
        raise Unsupported(f"{DIALECT} has no `seed`.")
    body: dict[str, Any] = {
        **request.extra,
        "model": request.model,
        "messages": encode_messages(request.messages),
        "stream": streaming,
        **encode_output(request),
    }
    system = [text_of(m, DIALECT) for m in request.messages if m.role == "system"]
    optional: dict[str, Any] = {
        "system": "\n\n".join(text for text in system if text) or None,
        "tools": [encode_tool(tool) for tool in request.tools] or None,
        "tool_choice": encode_tool_choice(request),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop_sequences": list(request.stop) or None,
        "metadata": {"user_id": request.user} if request.user else None,
    }
    body.update((name, value) for name, value in optional.items() if value is not None)
    return body


def encode_output(request: ChatRequest) -> dict[str, Any]:
    """`max_tokens`, `thinking` and `output_config`, which depend on one another."""
    allowed = request.max_output_tokens
    default = OLD_MAX_TOKENS if request.model.startswith("claude-3-") else DEFAULT_MAX_TOKENS
    config: dict[str, Any] = dict(request.extra.get("output_config") or {})
    output: dict[str, Any] = {"max_tokens": allowed or default}
    effort = request.reasoning_effort
    if effort == "none":
        output["thinking"] = {"type": "disabled"}
    elif effort is not None and TAKES_BUDGET.match(request.model):
        budget = BUDGETS[effort]
        if allowed is None:
            output["max_tokens"] = budget + default
        elif allowed <= SMALLEST_BUDGET:
            raise Unsupported(
                f"reasoning needs `max_output_tokens` above {SMALLEST_BUDGET} on this model."
            )
        elif allowed <= budget:
            budget = max(SMALLEST_BUDGET, allowed // 2)
        output["thinking"] = {"type": "enabled", "budget_tokens": budget}
    elif effort is not None:
        output["thinking"] = {"type": "adaptive"}
        config["effort"] = "low" if effort == "minimal" else effort
    if request.response_format is not None:
        config["format"] = encode_format(request.response_format)
    return output | ({"output_config": config} if config else {})


def encode_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.type == "json_object":
        raise Unsupported(f"{DIALECT} has no json_object format; give a json_schema.")
    return {"type": "json_schema", "schema": dict(wanted.schema or {"type": "object"})}


def encode_messages(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        role = ROLES[message.role]
        blocks = [block for part in message.parts for block in encode_part(part, message.role)]
        if not blocks:
            continue
        # Results of parallel calls, and the user's words after them, belong into one turn.
        if lines and lines[-1]["role"] == role:
            lines[-1]["content"] += blocks
        else:
            lines.append({"role": role, "content": blocks})
    return lines


def encode_part(part: Part, role: str) -> list[dict[str, Any]]:
    match role, part:
        case "user" | "assistant", TextPart(text=text):
            # The dialect refuses empty text.
            return [{"type": "text", "text": text}] if text else []
        case "user", ImagePart():
            return [{"type": "image", "source": image_source(part)}]
        case "assistant", ReasoningPart():
            return encode_reasoning(part)
        case "assistant", ToolCallPart():
            return [encode_call(part)]
        case "tool", ToolResultPart():
            return [encode_result(part)]
    raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a {role} message.")


def encode_call(part: ToolCallPart) -> dict[str, Any]:
    try:
        arguments = orjson.loads(part.arguments or "{}")
    except ValueError:
        raise Unsupported(f"the arguments of the call {part.id} are not JSON.") from None
    return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments}


def encode_result(part: ToolResultPart) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": part.call_id}
    if part.content:
        block["content"] = part.content
    return block | {"is_error": True} if part.is_error else block


def encode_reasoning(part: ReasoningPart) -> list[dict[str, Any]]:
    if part.dialect not in (None, DIALECT):
        return []
    if part.redacted is not None:
        return [{"type": "redacted_thinking", "data": part.redacted}]
    if part.signature is None:
        # Thinking that nobody signed is refused, and no word of the user's is lost without it.
        return []
    return [{"type": "thinking", "thinking": part.text, "signature": part.signature}]


def image_source(part: ImagePart) -> dict[str, Any]:
    if part.data is not None:
        encoded = b64encode(part.data).decode()
        return {"type": "base64", "media_type": part.media_type, "data": encoded}
    if part.url is None:
        raise Unsupported("an image needs its bytes or its address.")
    return {"type": "url", "url": part.url}


def encode_tool(tool: ToolSpec) -> dict[str, Any]:
    encoded: dict[str, Any] = {"name": tool.name, "input_schema": dict(tool.parameters)}
    if tool.description:
        encoded["description"] = tool.description
    return encoded | {"strict": True} if tool.strict else encoded


def encode_tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        encoded: dict[str, Any] = {"type": "tool", "name": choice.name}
    elif choice is not None:
        encoded = {"type": CHOICES[choice]}
    elif request.parallel_tool_calls is False and request.tools:
        encoded = {"type": "auto"}
    else:
        return None
    if request.parallel_tool_calls is False and encoded["type"] != "none":
        encoded["disable_parallel_tool_use"] = True
    return encoded
