"""What a wire dialect must know, and how it says that something does not fit it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Protocol

from app.inference.providers.errors import ProviderError
from app.inference.providers.failures import Complaint, complaint_of
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    Message,
    ModelListing,
    StreamEvent,
    TextPart,
)

# What the gateway itself makes use of: who the end user is, and which requests belong together. A
# provider that has words for it is told, any other does without.
HINTS = frozenset({"user", "cache_key"})
# The optional fields of a request with the values that say nothing.
OPTIONAL: Mapping[str, Any] = {
    field.name: () if field.name in ("tools", "stop") else None
    for field in fields(ChatRequest)
    if field.name not in ("model", "messages", "extra")
}


class Unsupported(Exception):
    """The dialect has no words for a part of the request; the message names it.

    `field` is the one of ChatRequest's that asks for it, where one does.
    """

    def __init__(self, told: str, field: str | None = None) -> None:
        super().__init__(told)
        self.field = field


class BadAnswer(Exception):
    """The provider's answer breaks its own dialect; the message says how."""


class InBandError(Exception):
    """An error that stands inside an answer of status 200."""

    def __init__(self, document: Any, kind: type[ProviderError] | None = None) -> None:
        super().__init__("the provider reported an error inside its answer")
        self.complaint: Complaint = complaint_of(document)
        self.kind = kind


class StreamDecoder(Protocol):
    """Reads one stream. `done` turns true at the dialect's closing marker."""

    done: bool

    def feed(self, data: bytes) -> Iterable[StreamEvent]: ...

    def end(self) -> Iterable[StreamEvent]:
        """Close the stream with its last events; raise BadAnswer if that is too early."""
        ...


class Codec(Protocol):
    """One wire dialect as pure functions between our types and its bytes."""

    dialect: str
    takes: frozenset[str]
    """Which of ChatRequest's fields, beside the model and the messages, it has words for."""

    def headers(self, api_key: str) -> dict[str, str]: ...

    def chat_url(self, model: str, *, streaming: bool) -> str: ...

    def encode(self, request: ChatRequest, *, streaming: bool) -> dict[str, Any]: ...

    def decode(self, body: bytes) -> ChatResult: ...

    def decoder(self) -> StreamDecoder: ...

    def models_url(self, after: str | None) -> str: ...

    def decode_models(self, body: bytes) -> tuple[list[ModelListing], str | None]:
        """One page of models, and what to ask the next one with."""
        ...

    def check_url(self) -> str: ...


class Wordy(Protocol):
    @property
    def dialect(self) -> str: ...

    @property
    def takes(self) -> frozenset[str]: ...


def expect_words(request: ChatRequest, codec: Wordy) -> None:
    """Raise Unsupported for a field that is set and that the codec has no words for."""
    for name in unsaid(request, codec.takes):
        raise Unsupported(f"{codec.dialect} has no `{name}`.", name)


def unsaid(request: ChatRequest, takes: frozenset[str]) -> Iterator[str]:
    """The fields that are set and may not be left out, and that these words do not cover."""
    for name, default in OPTIONAL.items():
        if name not in takes and name not in HINTS and getattr(request, name) != default:
            yield name


def text_of(message: Message, dialect: str) -> str:
    """Join the text of a message that may hold nothing else."""
    for part in message.parts:
        if not isinstance(part, TextPart):
            raise Unsupported(
                f"{dialect} takes no {type(part).__name__} in a {message.role} message."
            )
    return "\n\n".join(part.text for part in message.parts if isinstance(part, TextPart))


def tokens(value: Any) -> int:
    """Read a count that a provider may leave out or send as null."""
    return value if isinstance(value, int) and value > 0 else 0


def optional_count(value: Any) -> int | None:
    return tokens(value) or None
