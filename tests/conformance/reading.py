"""What a vendor's client has read, in no dialect: text, calls, stop, usage and what else there is.

The documents are those that the SDKs of both languages give back, as JSON.
"""

import json
from collections.abc import Callable, Mapping
from functools import reduce
from operator import add

from tests.conformance.case import Dialect, Json

STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "STOP": "stop",
    "MAX_TOKENS": "length",
}


def read(dialect: Dialect, result: Json) -> Json:
    """What is read of one result of a runner; a failure is read as its error."""
    if "error" in result:
        return {"error": read_error(dialect, result["error"]), "text": result.get("text", "")}
    if "chunks" in result:
        answers = [read_gemini(chunk) for chunk in result["chunks"]]
        return joined(answers) | {"pieces": sum(bool(each["text"]) for each in answers)}
    found = {"pieces": result.get("pieces")}
    answer = result.get("answer")
    if isinstance(answer, dict) and is_generated(answer):
        found |= READERS[dialect](answer)
    else:
        found |= {"answer": answer}
    return found


def is_generated(answer: Json) -> bool:
    return any(name in answer for name in ("choices", "output", "content", "candidates"))


def joined(answers: list[Json]) -> Json:
    """The pieces of a stream as one answer: what grows is added, the rest is the last said."""
    whole = dict(answers[-1])
    for name in ("text", "reasoning", "calls", "citations", "logprobs"):
        whole[name] = reduce(add, (each[name] for each in answers))
    whole["stop"] = "tool_calls" if whole["calls"] else whole["stop"]
    return whole


def read_chat(answer: Json) -> Json:
    choice = answer["choices"][0]
    message, usage = choice["message"], answer.get("usage") or {}
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    return {
        "text": message.get("content") or "",
        "reasoning": message.get("reasoning_content") or "",
        "calls": [[call["name"], json.loads(call["arguments"])] for call in calls],
        "stop": choice["finish_reason"],
        "citations": [a["url_citation"]["url"] for a in message.get("annotations") or ()],
        "logprobs": [t["token"] for t in (choice.get("logprobs") or {}).get("content") or ()],
        "answers": len(answer["choices"]),
        "usage": {
            "input": usage.get("prompt_tokens"),
            "output": usage.get("completion_tokens"),
            "cached": (usage.get("prompt_tokens_details") or {}).get("cached_tokens"),
            "reasoning": (usage.get("completion_tokens_details") or {}).get("reasoning_tokens"),
        },
    }


def read_response(answer: Json) -> Json:
    items, usage = answer["output"], answer.get("usage") or {}
    parts = [p for item in items if item["type"] == "message" for p in item["content"]]
    thoughts = [p for item in items if item["type"] == "reasoning" for p in item["summary"]]
    calls = [item for item in items if item["type"] == "function_call"]
    lacks = (answer.get("incomplete_details") or {}).get("reason")
    return {
        "text": "".join(part.get("text", "") for part in parts),
        "reasoning": "".join(part["text"] for part in thoughts),
        "calls": [[call["name"], json.loads(call["arguments"])] for call in calls],
        "stop": "length" if lacks == "max_output_tokens" else "tool_calls" if calls else "stop",
        "citations": [a["url"] for part in parts for a in part.get("annotations") or ()],
        "logprobs": [t["token"] for part in parts for t in part.get("logprobs") or ()],
        "asked": {name: answer.get(name) for name in ("instructions", "temperature", "metadata")},
        "usage": {
            "input": usage.get("input_tokens"),
            "output": usage.get("output_tokens"),
            "cached": (usage.get("input_tokens_details") or {}).get("cached_tokens"),
            "reasoning": (usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
        },
    }


def read_message(answer: Json) -> Json:
    blocks, usage = answer["content"], answer["usage"]
    texts = [block for block in blocks if block["type"] == "text"]
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    found = [citation for block in texts for citation in block.get("citations") or ()]
    return {
        "text": "".join(block["text"] for block in texts),
        "reasoning": "".join(b["thinking"] for b in blocks if b["type"] == "thinking"),
        "calls": [[b["name"], b["input"]] for b in blocks if b["type"] == "tool_use"],
        "stop": STOPS.get(answer["stop_reason"], answer["stop_reason"]),
        "stop_sequence": answer.get("stop_sequence"),
        "citations": [citation.get("url") or citation["cited_text"] for citation in found],
        "logprobs": [],
        "usage": {
            "input": usage["input_tokens"] + cached + written,
            "output": usage["output_tokens"],
            "cached": cached,
            "reasoning": (usage.get("output_tokens_details") or {}).get("thinking_tokens"),
        },
    }


def read_gemini(answer: Json) -> Json:
    candidate = (answer.get("candidates") or [{}])[0]
    parts = (candidate.get("content") or {}).get("parts") or []
    usage = answer.get("usageMetadata") or {}
    calls = [part["functionCall"] for part in parts if part.get("functionCall")]
    stop = STOPS.get(candidate.get("finishReason", ""), candidate.get("finishReason"))
    told = candidate.get("groundingMetadata") or {}
    tokens = (candidate.get("logprobsResult") or {}).get("chosenCandidates") or ()
    return {
        "text": "".join(p.get("text") or "" for p in parts if not p.get("thought")),
        "reasoning": "".join(p.get("text") or "" for p in parts if p.get("thought")),
        "calls": [[call["name"], call.get("args") or {}] for call in calls],
        "stop": "tool_calls" if calls and stop == "stop" else stop,
        "citations": [
            (chunk.get("web") or chunk["retrievedContext"])["uri"]
            for chunk in told.get("groundingChunks") or ()
        ],
        "logprobs": [each["token"] for each in tokens],
        "answers": len(answer.get("candidates") or ()),
        "usage": {
            "input": usage.get("promptTokenCount"),
            "output": (usage.get("candidatesTokenCount") or 0)
            + (usage.get("thoughtsTokenCount") or 0),
            "cached": usage.get("cachedContentTokenCount"),
            "reasoning": usage.get("thoughtsTokenCount"),
        },
    }


READERS: Mapping[Dialect, Callable[[Json], Json]] = {
    "chat": read_chat,
    "responses": read_response,
    "messages": read_message,
    "gemini": read_gemini,
}


def read_error(dialect: Dialect, error: Json) -> Json:
    """The status, what the vendor calls it, its sentence and how long to wait."""
    told = error.get("body") or {}
    told = told.get("error", told) if isinstance(told, dict) else {}
    retry_after = error.get("retry_after")
    if dialect == "gemini":
        waits = [d["retryDelay"] for d in told.get("details") or () if "retryDelay" in d]
        retry_after = waits[0].removesuffix("s") if waits else None
    names = {"messages": "type", "gemini": "status"}
    return {
        "class": error["class"],
        "status": error.get("status"),
        "kind": told.get(names.get(dialect, "code")),
        "message": told.get("message") or error.get("message") or "",
        "retry_after": retry_after,
    }
