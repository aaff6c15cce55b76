"""A Chat Completions request as a canonical one, for an adapter."""

from typing import Any, Final

from app.inference.dialects.ask import optional, wrong_type
from app.inference.dialects.checks import integer, number
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.openai_chat.parse_messages import parse_messages
from app.inference.dialects.openai_chat.parse_parts import OTHER_WORDING, Whereto
from app.inference.dialects.openai_chat.parse_tools import parse_choice, parse_format, parse_tools
from app.inference.dialects.openai_chat.read_values import bias, metadata
from app.inference.dialects.reasoning import effort
from app.inference.dialects.taken import expect_taken
from app.inference.integrations.directory import Target
from app.inference.providers.types import ChatRequest

TRANSLATED: Final = frozenset(
    {
        "model", "messages", "stream", "stream_options", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "temperature", "top_p", "max_tokens",
        "max_completion_tokens", "stop", "seed", "reasoning_effort", "user", "top_k",
        "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs",
        "verbosity", "service_tier", "prompt_cache_key", "metadata",
    }
)  # fmt: skip
# What these say is what happens without them, so nothing is lost.
NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "metadata": ({},),
    "modalities": (["text"],),
    "prompt_cache_retention": ("in_memory",),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "verbosity": ("medium",),
}
OWN_NAMES: Final = {"max_output_tokens": "max_tokens"}
DIALECT: Final = "openai_chat"


def parse_request(document: dict[str, Any], target: Target) -> ChatRequest:
    """Raises RequestInvalid, and UnsupportedParameter for what the provider has no words for."""
    same = target.endpoint.dialect == DIALECT
    verbatim = same and target.endpoint.kind not in OTHER_WORDING
    said = document if verbatim else without_neutral(document)
    unknown = {
        name: value for name, value in said.items() if name not in TRANSLATED and value is not None
    }
    end_user = optional(said, "user", str, "a string")
    if not verbatim:
        # Its newer name; where it is known, both go on as they came.
        end_user = optional(unknown, "safety_identifier", str, "a string") or end_user
        unknown.pop("safety_identifier", None)
    if unknown and not same:
        raise UnsupportedParameter(next(iter(unknown))[:100])
    request = ChatRequest(
        model=target.model,
        messages=parse_messages(document["messages"], Whereto(same_dialect=same, target=target)),
        tools=parse_tools(optional(said, "tools", list, "an array")),
        tool_choice=parse_choice(said.get("tool_choice")),
        parallel_tool_calls=optional(said, "parallel_tool_calls", bool, "a boolean"),
        response_format=parse_format(optional(said, "response_format", dict, "an object")),
        max_output_tokens=limit(said),
        reasoning_effort=effort(said.get("reasoning_effort"), "reasoning_effort"),
        user=end_user,
        cache_key=optional(said, "prompt_cache_key", str, "a string"),
        metadata=metadata(said.get("metadata")),
        verbosity=optional(said, "verbosity", str, "a string"),
        service_tier=optional(said, "service_tier", str, "a string"),
        extra=unknown,
        **sampling(said),
    )
    expect_taken(request, target, OWN_NAMES)
    return request


def without_neutral(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in document.items()
        if value is not None and value not in NEUTRAL.get(name, ())
    }


def sampling(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "temperature": number(said.get("temperature"), "temperature", 0, 2),
        "top_p": number(said.get("top_p"), "top_p", 0, 1),
        "top_k": integer(said.get("top_k"), "top_k", 0),
        "stop": parse_stop(said.get("stop")),
        "seed": integer(said.get("seed"), "seed", -(2**63)),
        "frequency_penalty": number(said.get("frequency_penalty"), "frequency_penalty", -2, 2),
        "presence_penalty": number(said.get("presence_penalty"), "presence_penalty", -2, 2),
        "logit_bias": bias(said.get("logit_bias")),
        "logprobs": optional(said, "logprobs", bool, "a boolean"),
        "top_logprobs": integer(said.get("top_logprobs"), "top_logprobs", 0, 20),
    }


def limit(document: dict[str, Any]) -> int | None:
    found = integer(document.get("max_completion_tokens"), "max_completion_tokens", 1)
    return found if found is not None else integer(document.get("max_tokens"), "max_tokens", 1)


def parse_stop(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value
    if stops is None:
        return ()
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise wrong_type("stop", "a string or an array of strings")
    return tuple(stops)
