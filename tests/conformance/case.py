"""What a case of the conformance table is: one feature, asked in each dialect that has it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.fakes.base import Action, Fake, Said

Dialect = Literal["chat", "responses", "messages", "gemini"]
Operation = Literal["create", "stream", "abort", "count", "models", "model", "embed"]
# What an upstream is spoken to in; OpenAI's has two.
Wire = Literal["chat", "responses", "anthropic", "gemini"]
Json = dict[str, Any]

DIALECTS: Mapping[Dialect, str] = {
    "chat": "OpenAI Chat Completions",
    "responses": "OpenAI Responses",
    "messages": "Anthropic Messages",
    "gemini": "Gemini generateContent",
}
UPSTREAMS: Mapping[str, str] = {"openai": "OpenAI", "anthropic": "Anthropic", "gemini": "Gemini"}
SDKS: Mapping[str, str] = {"python": "Python", "javascript": "JavaScript"}
TEXT = "Hello, wörld 🌍"


@dataclass(frozen=True)
class Within:
    """Matches whatever holds this text when it is written as JSON."""

    text: str


@dataclass(frozen=True)
class AtLeast:
    """Matches a number that is not smaller."""

    number: int


@dataclass(frozen=True)
class Answer:
    """What the model says.

    `patch` puts values into the whole answer of a wire, by their paths, and `streamed` into the
    events of a stream: by the event's number, which is negative from the end, then by the path.
    `added` are events before the one of a number.
    """

    said: Said = field(default_factory=Said)
    patch: Mapping[Wire, Json] = field(default_factory=dict)
    streamed: Mapping[Wire, Mapping[int, Json]] = field(default_factory=dict)
    added: Mapping[Wire, tuple[int, Json]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    `asks` are the arguments of the vendor's method by dialect, beside the model's name and a
    greeting; a dialect that is not among them does not have the feature. `extras` are fields
    that its SDKs have not heard of, which each language has a way to send all the same. `gives`
    is what the client reads, in no dialect (see reading.py), `only` what it reads beside that for
    one dialect and upstream. `sent` is what has reached the upstream, by wire and path. `then` is
    a second request, made of the first answer.
    """

    name: str
    feature: str
    asks: Mapping[Dialect, Json]
    gives: Json
    operation: Operation = "create"
    says: Answer | Action = field(default_factory=Answer)
    sent: Mapping[Wire, Json] = field(default_factory=dict)
    only: Mapping[tuple[Dialect, str], Json] = field(default_factory=dict)
    then: Mapping[Dialect, Callable[[Any], Json]] = field(default_factory=dict)
    extras: Mapping[Dialect, Json] = field(default_factory=dict)
    key: str | None = None
    model: str | None = None
    fails: bool = False
    """Whether it counts as a failure of the upstream, so that it has a workspace of its own."""
    routed: bool = False
    """Whether a route is asked, which goes on from the upstream to the next one."""
    pings: bool = False
    """Whether the stream is kept alive every few milliseconds, not every fifteen seconds."""


GREETING: Mapping[Dialect, Json] = {
    "chat": {"messages": [{"role": "user", "content": "Hello"}]},
    "responses": {"input": "Hello"},
    "messages": {"max_tokens": 99, "messages": [{"role": "user", "content": "Hello"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
}


def everywhere(more: Json | None = None) -> Mapping[Dialect, Json]:
    return dict.fromkeys(DIALECTS, more or {})


def wire_of(fake: Fake) -> Wire:
    """What the fake was last spoken to in."""
    if fake.kind == "openai":
        return "responses" if "/responses" in fake.last.path else "chat"
    return "anthropic" if fake.kind == "anthropic" else "gemini"
