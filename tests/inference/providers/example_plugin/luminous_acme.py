"""Acme's models for Luminous."""

from collections.abc import Iterable
from typing import Any

import orjson

from app.inference.providers.codec import BadAnswer, InBandError, text_of
from app.inference.providers.kinds import HttpKind
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    Finished,
    FinishReason,
    ModelListing,
    StreamEvent,
    TextDelta,
    TextPart,
    Usage,
    UsageReport,
)

ENDINGS: dict[str, FinishReason] = {"done": "stop", "cut_short": "length"}


class AcmeCodec:
    """Acme's dialect as pure functions: `{"said": …, "why": …}`, and `data:` lines of them."""

    dialect = "acme"
    takes = frozenset({"temperature", "max_output_tokens"})

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")

    def headers(self, api_key: str) -> dict[str, str]:
        return {"Content-Type": "application/json", "X-Acme-Key": api_key}

    def chat_url(self, model: str, *, streaming: bool) -> str:
        return f"{self._base}/talk"

    def encode(self, request: ChatRequest, *, streaming: bool) -> dict[str, Any]:
        talk = [
            # Raises for a part that is no text, and names it.
            {"who": message.role, "words": text_of(message, self.dialect)}
            for message in request.messages
        ]
        body = {"brain": request.model, "talk": talk, "live": streaming}
        options = {"heat": request.temperature, "longest": request.max_output_tokens}
        # What a route adds for this vendor alone stands in `extra`, below our own fields.
        return {**request.extra, **{k: v for k, v in options.items() if v is not None}, **body}

    def decode(self, body: bytes) -> ChatResult:
        document = read(body)
        return ChatResult(
            (TextPart(document["said"]),),
            ENDINGS.get(document["why"], "stop"),
            usage_of(document),
            document["brain"],
            document["id"],
        )

    def decoder(self) -> "AcmeDecoder":
        return AcmeDecoder()

    def models_url(self, after: str | None) -> str:
        return f"{self._base}/brains"

    def decode_models(self, body: bytes) -> tuple[list[ModelListing], str | None]:
        return [ModelListing(name) for name in read(body)["brains"]], None

    def check_url(self) -> str:
        return self.models_url(None)


class AcmeDecoder:
    """One stream: it is given the data of one event at a time."""

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> Iterable[StreamEvent]:
        document = read(data)
        if document.get("why") is None:
            return [TextDelta(document["said"])]
        self.done = True
        ending = ENDINGS.get(document["why"], "stop")
        finished = Finished(ending, document["brain"], document["id"])
        return [UsageReport(usage_of(document)), finished]

    def end(self) -> Iterable[StreamEvent]:
        raise BadAnswer("the stream ended without its reason.")


def read(body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(body)
    if "error" in document:
        raise InBandError(document)
    return document


def usage_of(document: dict[str, Any]) -> Usage:
    return Usage(document["read"], document["wrote"])


KIND = HttpKind(
    name="acme",
    label="Acme",
    dialect=AcmeCodec.dialect,
    codec=AcmeCodec,
    base_url="https://api.acme.example/v1",
    key_variable="ACME_API_KEY",
)
