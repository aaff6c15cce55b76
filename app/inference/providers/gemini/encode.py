"""A canonical request as a generateContent body."""

import re
from base64 import b64encode
from typing import Any

import orjson

from app.inference.providers.codec import Unsupported, text_of
from app.inference.providers.types import (
    ChatRequest,
    Effort,
    ImagePart,
    Message,
    NamedTool,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    ToolSpec,
)

DIALECT = "gemini"
# Models up to 2.5 take a thinking budget, later ones a level.
TAKES_BUDGET = re.compile(r"gemini-([12])\b")
BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
LEVELS: dict[Effort, str] = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",
    "max": "XHIGH",
}
MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def encode_request(request: ChatRequest) -> dict[str, Any]:
    if request.parallel_tool_calls is False:
        raise Unsupported(f"{DIALECT} cannot be kept from calling tools in parallel.")
    body: dict[str, Any] = {**request.extra, "contents": encode_contents(request.messages)}
    system = [text_of(m, DIALECT) for m in request.messages if m.role == "system"]
    if any(system):
        body["systemInstruction"] = {"parts": [{"text": text} for text in system if text]}
    if request.tools:
        body["tools"] = [
            *request.extra.get("tools", ()),
            {"functionDeclarations": [encode_tool(tool) for tool in request.tools]},
        ]
    if (config := encode_tool_choice(request)) is not None:
        body["toolConfig"] = {"functionCallingConfig": config}
    generation = request.extra.get("generationConfig", {}) | encode_generation(request)
    if generation:
        body["generationConfig"] = generation
    return body


def encode_generation(request: ChatRequest) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "maxOutputTokens": request.max_output_tokens,
        "stopSequences": list(request.stop) or None,
        "seed": request.seed,
        "thinkingConfig": encode_effort(request),
    }
    if request.response_format is not None:
        optional["responseMimeType"] = "application/json"
        if request.response_format.type == "json_schema":
            optional["responseJsonSchema"] = dict(request.response_format.schema or {})
    return {name: value for name, value in optional.items() if value is not None}


def encode_effort(request: ChatRequest) -> dict[str, Any] | None:
    effort = request.reasoning_effort
    if effort is None:
        return None
    if TAKES_BUDGET.search(request.model):
        return {"includeThoughts": effort != "none", "thinkingBudget": BUDGETS[effort]}
    return {"includeThoughts": effort != "none", "thinkingLevel": LEVELS[effort]}


def encode_contents(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    contents: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        role = "model" if message.role == "assistant" else "user"
        parts = [encoded for part in message.parts for encoded in encode_part(part, message.role)]
        if not parts:
            continue
        # Results of parallel calls belong into one turn.
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def encode_part(part: Part, role: str) -> list[dict[str, Any]]:
    match role, part:
        case "user" | "assistant", TextPart(text=text):
            return [{"text": text}] if text else []
        case "user", ImagePart():
            return [encode_image(part)]
        case "assistant", ReasoningPart():
            # A thought goes back only with its signature, which stands on the call it led to.
            return []
        case "assistant", ToolCallPart():
            return [encode_call(part)]
        case "tool", ToolResultPart():
            return [encode_result(part)]
    raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a {role} message.")


def encode_image(part: ImagePart) -> dict[str, Any]:
    if part.data is not None:
        encoded = b64encode(part.data).decode()
        return {"inlineData": {"mimeType": part.media_type, "data": encoded}}
    if part.url is None:
        raise Unsupported("an image needs its bytes or its address.")
    return {"fileData": {"mimeType": part.media_type, "fileUri": part.url}}


def encode_call(part: ToolCallPart) -> dict[str, Any]:
    try:
        arguments = orjson.loads(part.arguments or "{}")
    except ValueError:
        raise Unsupported(f"the arguments of the call {part.id} are not JSON.") from None
    encoded: dict[str, Any] = {
        "functionCall": {"id": part.id, "name": part.name, "args": arguments}
    }
    if part.signature is not None and part.dialect in (None, DIALECT):
        encoded["thoughtSignature"] = part.signature
    return encoded


def encode_result(part: ToolResultPart) -> dict[str, Any]:
    response = {"error": part.content} if part.is_error else as_object(part.content)
    return {"functionResponse": {"id": part.call_id, "name": part.name, "response": response}}


def as_object(content: str) -> dict[str, Any]:
    """Wrap a tool's text that is no object; the dialect takes nothing else."""
    try:
        document = orjson.loads(content)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"output": content}


def encode_tool(tool: ToolSpec) -> dict[str, Any]:
    encoded: dict[str, Any] = {"name": tool.name, "parametersJsonSchema": dict(tool.parameters)}
    return encoded | {"description": tool.description} if tool.description else encoded


def encode_tool_choice(request: ChatRequest) -> dict[str, Any] | None:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    if choice in (None, "auto") and any(tool.strict for tool in request.tools):
        return {"mode": "VALIDATED"}
    return None if choice is None else {"mode": MODES[choice]}
