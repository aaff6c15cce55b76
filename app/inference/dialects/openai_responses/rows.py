"""The response object and the items of its output, as their dialect writes them."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from app.core.ids import new_id
from app.inference.providers.types import TokenLogprob

Row = dict[str, Any]


def new_name(prefix: str) -> str:
    return f"{prefix}_{new_id().hex}"


def response_row(asked: Mapping[str, Any], model: str) -> Row:
    """A response that has just begun; what was asked for stands in it, as OpenAI gives it back."""
    text = asked.get("text") or {}
    return {
        "id": new_name("resp"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "max_tool_calls": None,
        "metadata": asked.get("metadata") or {},
        "model": model,
        "output": [],
        "parallel_tool_calls": asked.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "prompt_cache_key": asked.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None} | (asked.get("reasoning") or {}),
        "safety_identifier": asked.get("safety_identifier"),
        "service_tier": asked.get("service_tier") or "default",
        "store": False,
        "temperature": asked.get("temperature"),
        "text": {"format": text.get("format") or {"type": "text"}} | dict(text),
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": asked.get("tools") or [],
        "top_logprobs": asked.get("top_logprobs") or 0,
        "top_p": asked.get("top_p"),
        "truncation": "disabled",
        "usage": None,
        "user": asked.get("user"),
    }


def message_row(name: str, status: str, content: list[Row]) -> Row:
    return {
        "id": name,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def text_row(text: str, annotations: list[Row], logprobs: list[Row]) -> Row:
    return {
        "type": "output_text",
        "text": text,
        "annotations": annotations,
        "logprobs": logprobs,
    }


def refusal_row(text: str) -> Row:
    return {"type": "refusal", "refusal": text}


def reasoning_row(name: str, status: str, summary: list[str], encrypted: str | None) -> Row:
    return {
        "id": name,
        "type": "reasoning",
        "status": status,
        "summary": [summary_row(text) for text in summary],
        "encrypted_content": encrypted,
    }


def summary_row(text: str) -> Row:
    return {"type": "summary_text", "text": text}


def logprob_rows(logprobs: Iterable[TokenLogprob]) -> list[Row]:
    return [
        token_row(said.token, said.logprob)
        | {"top_logprobs": [token_row(token, logprob) for token, logprob in said.likeliest]}
        for said in logprobs
    ]


def token_row(token: str, logprob: float) -> Row:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
