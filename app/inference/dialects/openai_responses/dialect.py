"""The dialect's pieces as one object."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson

from app.core.errors import AppError
from app.inference.dialects.addresses import beside_chat
from app.inference.dialects.ask import (
    Ask,
    model_places,
    optional,
    read_count,
    read_customer,
    read_document,
    read_model_name,
    with_value,
    wrong_type,
)
from app.inference.dialects.dialect import Frames, OnGoing, Renderer
from app.inference.dialects.errors import Headers, RequestInvalid, UpstreamWords, by_own_name
from app.inference.dialects.framing import PING, comment
from app.inference.dialects.openai_chat.errors import words_of
from app.inference.dialects.openai_responses import errors
from app.inference.dialects.openai_responses.decode import EventDecoder
from app.inference.dialects.openai_responses.frames import ResponseFrames
from app.inference.dialects.openai_responses.parse import OWN_NAMES, parse_request
from app.inference.dialects.openai_responses.render import EventRenderer, render_result
from app.inference.dialects.openai_responses.stored import expect_opened
from app.inference.dialects.openai_responses.unmarking import unmarked
from app.inference.dialects.openai_responses.usage import usage_of
from app.inference.dialects.signatures import MARK
from app.inference.dialects.splice import with_model
from app.inference.integrations.directory import Endpoint, Target
from app.inference.providers.codec import BadAnswer, InBandError, StreamDecoder
from app.inference.providers.registry import KINDS
from app.inference.providers.types import ChatRequest, ChatResult, Usage

NAME: Final = "openai_responses"
PATH: Final = "/responses"
LIMIT: Final = "max_output_tokens"
UNDER_WAY: Final = ("queued", "in_progress")
# Where the input is, if it does not stand in the request.
ELSEWHERE: Final = ("previous_response_id", "conversation", "prompt")


class OpenAIResponses:
    name = NAME
    keep_alive = PING

    def read(self, body: bytes, *, model: str | None = None, streaming: bool | None = None) -> Ask:
        document = read_document(body)
        model = model or read_model_name(document)
        model_at = model_places(body)
        given = document.get("input")
        if given is None and not any(document.get(name) for name in ELSEWHERE):
            said = "Missing required parameter: 'input'."
            raise RequestInvalid(said, param="input", label="missing_required_parameter")
        if given is not None and not isinstance(given, str | list):
            raise wrong_type("input", "a string or an array of items")
        streams = streaming or optional(document, "stream", bool, "a boolean")
        optional(document, "stream_options", dict, "an object")
        return Ask(
            body,
            document,
            model,
            bool(streams),
            max_output_tokens=read_count(document.get(LIMIT)),
            customer=read_customer(document.get("safety_identifier") or document.get("user")),
            model_at=model_at,
        )

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        # Azure's older surface, one deployment with its version, has no responses.
        return NAME in KINDS[endpoint.kind].also and "/deployments/" not in endpoint.base_url

    def upstream_url(self, endpoint: Endpoint, model: str, *, streaming: bool) -> str:  # noqa: ARG002
        return beside_chat(endpoint, PATH)

    def upstream_body(self, ask: Ask, model: str) -> bytes:
        """The bytes under the model's name, without reasoning that only we could unseal.

        Raises ResponseNotFound for a response to go on from that is not the caller's.
        """
        expect_opened(ask)
        if ask.body.find(MARK) >= 0:
            return orjson.dumps(unmarked(ask.document) | {"model": model})
        return with_model(ask.body, ask.document, model, ask.model_at)

    def limited(self, ask: Ask, endpoint: Endpoint, most: int) -> Ask:  # noqa: ARG002
        return with_value(ask, LIMIT, most)

    def parse(self, ask: Ask, target: Target) -> ChatRequest:
        return parse_request(ask.document, target)

    def check_answer(self, document: Any) -> None:
        if isinstance(document, dict) and document.get("error"):
            raise InBandError(document)
        if not isinstance(document, dict) or not isinstance(document.get("output"), list):
            raise BadAnswer("the answer is not a response.")

    def usage_of(self, document: dict[str, Any]) -> Usage | None:
        return usage_of(document)

    def on_going(self, endpoint: Endpoint, document: dict[str, Any]) -> OnGoing | None:
        name = document.get("id")
        if document.get("status") not in UNDER_WAY or not isinstance(name, str):
            return None
        head, mark, query = beside_chat(endpoint, PATH).partition("?")
        return OnGoing(f"{head}/{quote(name, safe='')}{mark}{query}", usage_of)

    def frames(self, ask: Ask) -> Frames:  # noqa: ARG002 - usage always stands at the end
        return ResponseFrames()

    def decoder(self) -> StreamDecoder:
        return EventDecoder()

    def renderer(self, ask: Ask, model: str, *, relayed: bytes = b"") -> Renderer:
        return EventRenderer(ask.document, model, relayed=relayed)

    def render(self, result: ChatResult, model: str, ask: Ask) -> bytes:
        return render_result(result, model, ask.document)

    def remark(self, name: str, said: Mapping[str, Any]) -> bytes:
        return comment(name, said)

    def error_response(
        self, error: AppError, words: UpstreamWords | None = None
    ) -> tuple[int, Headers, bytes]:
        return errors.error_response(by_own_name(error, OWN_NAMES), words)

    def error_event(self, error: AppError, after: bytes = b"") -> bytes:
        return errors.error_event(by_own_name(error, OWN_NAMES), after)

    def words_of(self, body: bytes) -> UpstreamWords | None:
        return words_of(body)
