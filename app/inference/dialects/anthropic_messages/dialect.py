"""The dialect's pieces as one object."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.core.errors import AppError
from app.inference.dialects.addresses import chat_url
from app.inference.dialects.anthropic_messages import errors
from app.inference.dialects.anthropic_messages.frames import EventFrames, usage_of
from app.inference.dialects.anthropic_messages.parse import OWN_NAMES, parse_request
from app.inference.dialects.anthropic_messages.parse_blocks import NAME
from app.inference.dialects.anthropic_messages.render import render_result
from app.inference.dialects.anthropic_messages.stream import EventRenderer
from app.inference.dialects.anthropic_messages.unmarking import unmarked
from app.inference.dialects.ask import (
    Ask,
    model_places,
    optional,
    read_customer,
    read_document,
    read_model_name,
    required,
    with_value,
)
from app.inference.dialects.checks import integer, invalid
from app.inference.dialects.dialect import Frames, OnGoing, Renderer
from app.inference.dialects.errors import Headers, UpstreamWords, by_own_name
from app.inference.dialects.extras import goes_on
from app.inference.dialects.framing import comment
from app.inference.dialects.signatures import MARK
from app.inference.dialects.splice import with_model
from app.inference.integrations.directory import Endpoint, Target
from app.inference.providers.anthropic_messages.decode import EventDecoder
from app.inference.providers.codec import BadAnswer, InBandError, StreamDecoder
from app.inference.providers.types import ChatRequest, ChatResult, Usage

# As Anthropic's own streams have it.
PING_EVENT: Final = b'event: ping\ndata: {"type": "ping"}\n\n'


class AnthropicMessages:
    name = NAME
    keep_alive = PING_EVENT

    def read(self, body: bytes, *, model: str | None = None, streaming: bool | None = None) -> Ask:
        return self._read(body, model=model, streaming=streaming, counts=False)

    def read_count(self, body: bytes) -> Ask:
        """A request to count tokens, which names no limit of them."""
        return self._read(body, model=None, streaming=False, counts=True)

    def _read(self, body: bytes, *, model: str | None, streaming: bool | None, counts: bool) -> Ask:
        document = read_document(body)
        model = model or read_model_name(document)
        model_at = model_places(body)
        said = required(document, "messages", list, "an array of objects")
        if not said and not goes_on(document):
            raise invalid("messages", "at least one message is required")
        if not counts:
            required(document, "max_tokens", int, "an integer")
            integer(document["max_tokens"], "max_tokens", 0)
        streams = streaming or optional(document, "stream", bool, "a boolean")
        metadata = document.get("metadata")
        customer = metadata.get("user_id") if isinstance(metadata, dict) else None
        return Ask(
            body,
            document,
            model,
            bool(streams),
            # None at all (0) asks for nothing but that the prompt is remembered.
            max_output_tokens=None if counts else document["max_tokens"],
            customer=read_customer(customer),
            model_at=model_at,
        )

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        return endpoint.dialect == NAME

    def upstream_url(self, endpoint: Endpoint, model: str, *, streaming: bool) -> str:
        return chat_url(endpoint.kind, endpoint.base_url, model, streaming)

    def upstream_body(self, ask: Ask, model: str) -> bytes:
        """The bytes under the model's name; thoughts we have rendered go to their model only."""
        if ask.body.find(MARK) >= 0:
            return orjson.dumps(unmarked(ask.document, model) | {"model": model})
        return with_model(ask.body, ask.document, model, ask.model_at)

    def limited(self, ask: Ask, endpoint: Endpoint, most: int) -> Ask:  # noqa: ARG002
        return with_value(ask, "max_tokens", most)

    def parse(self, ask: Ask, target: Target) -> ChatRequest:
        return parse_request(ask.document, target)

    def check_answer(self, document: Any) -> None:
        if isinstance(document, dict) and document.get("type") == "error":
            raise InBandError(document)
        if not isinstance(document, dict) or not isinstance(document.get("content"), list):
            raise BadAnswer("the answer is not a message.")

    def usage_of(self, document: dict[str, Any]) -> Usage | None:
        return usage_of(document)

    def on_going(self, endpoint: Endpoint, document: dict[str, Any]) -> OnGoing | None:  # noqa: ARG002
        return None

    def frames(self, ask: Ask) -> Frames:  # noqa: ARG002 - all its streams are alike
        return EventFrames()

    def decoder(self) -> StreamDecoder:
        return EventDecoder()

    def renderer(self, ask: Ask, model: str, *, relayed: bytes = b"") -> Renderer:  # noqa: ARG002
        return EventRenderer(model, relayed=relayed)

    def render(self, result: ChatResult, model: str, ask: Ask) -> bytes:  # noqa: ARG002
        return render_result(result, model)

    def remark(self, name: str, said: Mapping[str, Any]) -> bytes:
        return comment(name, said)

    def error_response(
        self,
        error: AppError,
        words: UpstreamWords | None = None,
    ) -> tuple[int, Headers, bytes]:
        return errors.error_response(by_own_name(error, OWN_NAMES), words)

    def error_event(self, error: AppError, after: bytes = b"") -> bytes:  # noqa: ARG002
        return errors.error_event(by_own_name(error, OWN_NAMES))

    def words_of(self, body: bytes) -> UpstreamWords | None:
        try:
            document = orjson.loads(body)
        except ValueError:
            return None
        error = document.get("error") if isinstance(document, dict) else None
        if not isinstance(error, dict):
            return None
        kind, details = error.get("type"), error.get("details")
        reason = details.get("error_code") if isinstance(details, dict) else None
        return UpstreamWords(
            code=kind[:100] if isinstance(kind, str) else None,
            reason=reason[:100] if isinstance(reason, str) else None,
        )
