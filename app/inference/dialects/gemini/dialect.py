"""The dialect's pieces as one object."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from app.core.errors import AppError
from app.inference.dialects.addresses import chat_url
from app.inference.dialects.ask import (
    Ask,
    longest_of,
    read_customer,
    read_document,
    required,
    with_value,
)
from app.inference.dialects.checks import invalid
from app.inference.dialects.dialect import Frames, OnGoing, Renderer
from app.inference.dialects.errors import Headers, UpstreamWords, by_own_name
from app.inference.dialects.gemini import errors
from app.inference.dialects.gemini.frames import ChunkFrames, usage_of
from app.inference.dialects.gemini.parse import OWN_NAMES, parse_request
from app.inference.dialects.gemini.parse_contents import NAME
from app.inference.dialects.gemini.render import render_result
from app.inference.dialects.gemini.stream import ChunkRenderer
from app.inference.dialects.gemini.unmarking import unmarked
from app.inference.dialects.signatures import MARK
from app.inference.integrations.directory import Endpoint, Target
from app.inference.providers.codec import BadAnswer, InBandError, StreamDecoder
from app.inference.providers.gemini.decode import ResponseDecoder
from app.inference.providers.types import ChatRequest, ChatResult, Usage

MAX_MODEL_LENGTH: Final = 256
CONFIGS: Final = ("generationConfig", "generation_config")
LIMITS: Final = ("maxOutputTokens", "max_output_tokens")
# Google has no field for the end user; a label of this name is taken for one.
CUSTOMER_LABEL: Final = "end_user"
# Google's clients take a comment for an answer that breaks the protocol.
BLANK: Final = b"\r\n\r\n"


class Gemini:
    """`read` is given the model and whether to stream, which stand in the address."""

    name = NAME
    keep_alive = BLANK

    def read(self, body: bytes, *, model: str | None = None, streaming: bool | None = None) -> Ask:
        document = read_document(body)
        name = (model or "").removeprefix("models/")
        if not name or len(name) > MAX_MODEL_LENGTH:
            raise invalid("model", f"expected a name of 1 to {MAX_MODEL_LENGTH} characters")
        if not required(document, "contents", list, "an array of objects"):
            raise invalid("contents", "contents are not specified")
        config = config_of(document)
        labels = document.get("labels")
        customer = labels.get(CUSTOMER_LABEL) if isinstance(labels, dict) else None
        return Ask(
            body,
            document,
            name,
            bool(streaming),
            max_output_tokens=longest_of(config, LIMITS),
            customer=read_customer(customer),
        )

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        return endpoint.dialect == NAME

    def upstream_url(self, endpoint: Endpoint, model: str, *, streaming: bool) -> str:
        return chat_url(endpoint.kind, endpoint.base_url, model, streaming)

    def upstream_body(self, ask: Ask, model: str) -> bytes:
        """The bytes as they came; signatures that we have rendered go to their model only."""
        return orjson.dumps(unmarked(ask.document, model)) if MARK in ask.body else ask.body

    def limited(self, ask: Ask, endpoint: Endpoint, most: int) -> Ask:  # noqa: ARG002
        name = next((name for name in CONFIGS if name in ask.document), CONFIGS[0])
        config = {k: v for k, v in config_of(ask.document).items() if k not in LIMITS}
        return with_value(ask, name, {**config, LIMITS[0]: most})

    def parse(self, ask: Ask, target: Target) -> ChatRequest:
        return parse_request(ask.document, target)

    def check_answer(self, document: Any) -> None:
        if isinstance(document, dict) and "error" in document:
            raise InBandError(document)
        told = ("candidates", "promptFeedback")
        if not isinstance(document, dict) or not any(document.get(name) for name in told):
            raise BadAnswer("the answer has no candidates.")

    def usage_of(self, document: dict[str, Any]) -> Usage | None:
        return usage_of(document)

    def on_going(self, endpoint: Endpoint, document: dict[str, Any]) -> OnGoing | None:  # noqa: ARG002
        return None

    def frames(self, ask: Ask) -> Frames:  # noqa: ARG002 - all its streams are alike
        return ChunkFrames()

    def decoder(self) -> StreamDecoder:
        return ResponseDecoder()

    def renderer(self, ask: Ask, model: str, *, relayed: bytes = b"") -> Renderer:  # noqa: ARG002
        return ChunkRenderer(model, relayed=relayed)

    def render(self, result: ChatResult, model: str, ask: Ask) -> bytes:  # noqa: ARG002
        return render_result(result, model)

    def remark(self, name: str, said: Mapping[str, Any]) -> bytes:  # noqa: ARG002 - none is theirs
        return b""

    def error_response(
        self,
        error: AppError,
        words: UpstreamWords | None = None,  # noqa: ARG002 - Google names no field of its own
    ) -> tuple[int, Headers, bytes]:
        return errors.error_response(by_own_name(error, OWN_NAMES))

    def error_event(self, error: AppError, after: bytes = b"") -> bytes:  # noqa: ARG002
        return errors.error_chunk(by_own_name(error, OWN_NAMES))

    def words_of(self, body: bytes) -> UpstreamWords | None:
        try:
            document = orjson.loads(body)
        except ValueError:
            return None
        error = document.get("error") if isinstance(document, dict) else None
        status = error.get("status") if isinstance(error, dict) else None
        return UpstreamWords(code=status[:100]) if isinstance(status, str) else None


def config_of(document: dict[str, Any]) -> dict[str, Any]:
    """What the request says of its answer; raises RequestInvalid where two things say it."""
    if all(name in document for name in CONFIGS):
        raise invalid(CONFIGS[1], f"{CONFIGS[0]} says the same")
    config = document.get(CONFIGS[0], document.get(CONFIGS[1]))
    return config if isinstance(config, dict) else {}
