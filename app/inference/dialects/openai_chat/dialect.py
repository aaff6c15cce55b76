"""The dialect's pieces as one object."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.core.errors import AppError
from app.inference.dialects.addresses import chat_url
from app.inference.dialects.ask import (
    Ask,
    longest_of,
    model_places,
    optional,
    read_customer,
    read_document,
    read_model_name,
    required,
    with_value,
)
from app.inference.dialects.dialect import Frames, OnGoing, Renderer
from app.inference.dialects.errors import Headers, RequestInvalid, UpstreamWords, by_own_name
from app.inference.dialects.framing import PING, comment
from app.inference.dialects.openai_chat import errors
from app.inference.dialects.openai_chat.frames import ChunkFrames, usage_of
from app.inference.dialects.openai_chat.parse import OWN_NAMES, parse_request
from app.inference.dialects.openai_chat.parse_parts import OTHER_WORDING
from app.inference.dialects.openai_chat.render import ChunkRenderer
from app.inference.dialects.openai_chat.render_result import render_result
from app.inference.dialects.openai_chat.thinking import without_marks
from app.inference.dialects.signatures import MARK
from app.inference.dialects.splice import ask_for_usage, with_model
from app.inference.integrations.directory import Endpoint, Target
from app.inference.providers.codec import BadAnswer, InBandError, StreamDecoder
from app.inference.providers.openai_chat.codec import OpenAIChatCodec
from app.inference.providers.openai_chat.decode import ChunkDecoder
from app.inference.providers.registry import KINDS
from app.inference.providers.types import ChatRequest, ChatResult, Usage

NAME: Final = "openai_chat"
LIMITS: Final = ("max_completion_tokens", "max_tokens")


class OpenAIChat:
    name = NAME
    keep_alive = PING

    def read(self, body: bytes, *, model: str | None = None, streaming: bool | None = None) -> Ask:
        document = read_document(body)
        model = model or read_model_name(document)
        model_at = model_places(body)
        if not required(document, "messages", list, "an array of objects"):
            said = "Invalid 'messages': empty array. Expected an array with minimum length 1."
            raise RequestInvalid(said, param="messages", label="empty_array")
        streams = bool(streaming or optional(document, "stream", bool, "a boolean"))
        return Ask(
            body,
            document,
            model,
            streams,
            "stream_options" in document and wants_usage(document, streams=streams),
            max_output_tokens=longest_of(document, LIMITS),
            customer=read_customer(document.get("safety_identifier") or document.get("user")),
            model_at=model_at,
        )

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        return endpoint.dialect == NAME and endpoint.kind not in OTHER_WORDING

    def upstream_url(self, endpoint: Endpoint, model: str, *, streaming: bool) -> str:
        return chat_url(endpoint.kind, endpoint.base_url, model, streaming)

    def upstream_body(self, ask: Ask, model: str) -> bytes:
        if ask.body.find(MARK) >= 0:
            body = orjson.dumps(without_marks(ask.document) | {"model": model})
        else:
            body = with_model(ask.body, ask.document, model, ask.model_at)
        if ask.streaming and not ask.wants_usage:
            body = ask_for_usage(body, ask.document.get("stream_options"))
        return body

    def limited(self, ask: Ask, endpoint: Endpoint, most: int) -> Ask:
        names: list[str] = [name for name in LIMITS if name in ask.document]
        for name in names or [limit_name(endpoint)]:
            ask = with_value(ask, name, most)
        return ask

    def parse(self, ask: Ask, target: Target) -> ChatRequest:
        return parse_request(ask.document, target)

    def check_answer(self, document: Any) -> None:
        if isinstance(document, dict) and document.get("error"):
            raise InBandError(document)
        if not isinstance(document, dict) or not isinstance(document.get("choices"), list):
            raise BadAnswer("the answer is not a chat completion.")

    def usage_of(self, document: dict[str, Any]) -> Usage | None:
        return usage_of(document)

    def on_going(self, endpoint: Endpoint, document: dict[str, Any]) -> OnGoing | None:  # noqa: ARG002
        return None

    def frames(self, ask: Ask) -> Frames:
        return ChunkFrames(passes_usage=ask.wants_usage)

    def decoder(self) -> StreamDecoder:
        return ChunkDecoder()

    def renderer(self, ask: Ask, model: str, *, relayed: bytes = b"") -> Renderer:
        return ChunkRenderer(model, with_usage=ask.wants_usage, relayed=relayed)

    def render(self, result: ChatResult, model: str, ask: Ask) -> bytes:  # noqa: ARG002
        return render_result(result, model)

    def remark(self, name: str, said: Mapping[str, Any]) -> bytes:
        return comment(name, said)

    def error_response(
        self, error: AppError, words: UpstreamWords | None = None
    ) -> tuple[int, Headers, bytes]:
        return errors.error_response(by_own_name(error, OWN_NAMES), words)

    def error_event(self, error: AppError, after: bytes = b"") -> bytes:  # noqa: ARG002
        return errors.error_chunk(by_own_name(error, OWN_NAMES))

    def words_of(self, body: bytes) -> UpstreamWords | None:
        return errors.words_of(body)


def wants_usage(document: dict[str, Any], *, streams: bool) -> bool:
    """Whether the client of a stream asked for the usage at its end; raises RequestInvalid."""
    options = optional(document, "stream_options", dict, "an object")
    if options is None:
        return False
    if not streams:
        said = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise RequestInvalid(said, param="stream_options")
    return bool(optional(options, "include_usage", bool, "a boolean", "stream_options."))


def limit_name(endpoint: Endpoint) -> str:
    codec = KINDS[endpoint.kind].codec(endpoint.base_url)
    return codec.limit_name if isinstance(codec, OpenAIChatCodec) else LIMITS[1]
