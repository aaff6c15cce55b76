"""Clients of three dialects: what they ask, and how their answers are read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.inference.chaos.answers import (
    Answer,
    Broken,
    Event,
    code_of_anthropic,
    code_of_gemini,
    code_of_openai,
    events_of,
    expect,
    read_anthropic,
    read_gemini,
    read_openai,
    whole_anthropic,
    whole_gemini,
    whole_openai,
)
from tests.inference.chaos.tasks import Task

ROUTE = "chaos"
ERROR_STATUSES = frozenset({402, 429, 500, 502, 503, 504, 529})


@dataclass(frozen=True)
class Dialect:
    """Where and how a client asks, and how it reads."""

    path: Callable[[str, bool], str]
    body: Callable[[str, Task, bool], dict[str, Any]]
    read: Callable[[Answer, list[Event]], None]
    read_whole: Callable[[Answer, Any], None]
    code: Callable[[Any], str]


def openai_body(model: str, task: Task, streamed: bool) -> dict[str, Any]:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": task.prompt}],
        "max_completion_tokens": task.max_tokens,
    }
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if streamed else {})


def anthropic_body(model: str, task: Task, streamed: bool) -> dict[str, Any]:
    messages = [{"role": "user", "content": task.prompt}]
    return {
        "model": model, "messages": messages, "max_tokens": task.max_tokens, "stream": streamed,
    }  # fmt: skip


def gemini_body(model: str, task: Task, streamed: bool) -> dict[str, Any]:
    return {
        "contents": [{"role": "user", "parts": [{"text": task.prompt}]}],
        "generationConfig": {"maxOutputTokens": task.max_tokens},
    }


def gemini_path(model: str, streamed: bool) -> str:
    verb = "streamGenerateContent?alt=sse" if streamed else "generateContent"
    return f"/gemini/v1beta/models/{model}:{verb}"


DIALECTS: dict[str, Dialect] = {
    "openai": Dialect(
        lambda model, streamed: "/openai/v1/chat/completions",
        openai_body, read_openai, whole_openai, code_of_openai,
    ),
    "anthropic": Dialect(
        lambda model, streamed: "/anthropic/v1/messages",
        anthropic_body, read_anthropic, whole_anthropic, code_of_anthropic,
    ),
    "gemini": Dialect(
        gemini_path, gemini_body, read_gemini, whole_gemini, code_of_gemini,
    ),
}  # fmt: skip


async def ask(
    http: httpx2.AsyncClient,
    key: str,
    task: Task,
    dialect: str = "openai",
    *,
    streamed: bool = True,
    model: str = ROUTE,
    base: str = "",
) -> Answer:
    """Ask, read to the end and check; raises Broken for what is neither answer nor error."""
    speaks = DIALECTS[dialect]
    answer = Answer(task, dialect, streamed)
    headers = {"Authorization": f"Bearer {key}"}
    try:
        got = await http.post(
            base + speaks.path(model, streamed),
            json=speaks.body(model, task, streamed),
            headers=headers,
        )
    except httpx2.HTTPError as error:
        raise Broken(f"{task.name}: the connection broke: {error!r}") from error
    try:
        _read(answer, speaks, got)
        expect(task.text.startswith(answer.text), f"other words: {answer.text[-100:]!r}")
        expect(not answer.whole or answer.text == task.text, f"cut: {answer.text[-100:]!r}")
    except (Broken, ValueError, KeyError, TypeError) as error:
        raise Broken(f"{task.name} ({dialect}): {error!r}: {got.content[-600:]!r}") from error
    return answer


def _read(answer: Answer, speaks: Dialect, got: httpx2.Response) -> None:
    answer.status = got.status_code
    answer.request_id = got.headers.get("x-luminous-call-id", "")
    kind = got.headers["content-type"].partition(";")[0]
    if got.status_code != 200:
        expect(got.status_code in ERROR_STATUSES, f"status {got.status_code}: {got.text[:300]}")
        answer.code = speaks.code(got.json())
    elif answer.streamed:
        expect(kind == "text/event-stream", f"a stream of {kind}")
        events, comments = events_of(got.content)
        answer.seams = sum(comment.startswith("failover ") for comment in comments)
        speaks.read(answer, events)
    else:
        expect(kind == "application/json", f"an answer of {kind}")
        speaks.read_whole(answer, got.json())
