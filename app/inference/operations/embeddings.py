"""One request for embeddings: bytes to whoever speaks OpenAI's dialect, translated for others."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.inference.embeddings.wires import EmbeddingWire, wire_of
from app.inference.integrations.directory import Target
from app.inference.operations.content import JSON, JsonContent
from app.inference.operations.errand import SAME, PassedOn, name_of
from app.inference.operations.vendor_embeddings import (
    expect_encoding,
    openai_answer,
    vendor_body,
)
from app.inference.providers.codec import BadAnswer
from app.inference.providers.events import fault_of
from app.inference.providers.transport.request import Body
from app.inference.providers.types import Usage

PATH: Final = "/embeddings"
# Gemini's, Cohere's and Voyage's words for the tokens of the input, behind the vectors.
COUNTED: Final = re.compile(
    rb'"(?:promptTokenCount|input_tokens|total_tokens)"\s*:\s*([1-9][0-9]{0,8})\b'
)
LOOKED_AT: Final = 4 * 1024


@dataclass(frozen=True, slots=True)
class EmbeddingsErrand:
    content: JsonContent
    plain: PassedOn
    streams: bool = False
    method: str = "POST"

    def url(self, target: Target) -> str:
        wire = foreign(target)
        return self.plain.url(target) if wire is None else wire.url(target.endpoint, target.model)

    def headers(self, target: Target) -> Mapping[str, str]:  # noqa: ARG002 - the same for all
        return {"Content-Type": JSON}

    def body(self, target: Target) -> Body:
        wire = foreign(target)
        if wire is None:
            return self.plain.body(target)
        return vendor_body(wire, self.content.document, target.model)

    def check(self, target: Target, answer: bytes) -> None:
        self.plain.check(target, answer)

    def answer(self, target: Target, answer: bytes) -> bytes:
        wire = foreign(target)
        if wire is None:
            return answer
        try:
            return openai_answer(wire, answer, self.content.document, target.model)
        except BadAnswer as fault:
            endpoint = target.endpoint
            raise fault_of(fault, name_of(endpoint), endpoint.api_key) from None

    def usage(self, answer: bytes) -> Usage | None:
        """What is told; where nothing is, the estimate of the input stands."""
        told = self.plain.usage(answer)
        if told is None and (counts := COUNTED.findall(answer[-LOOKED_AT:])):
            told = Usage(input_tokens=int(counts[-1]))
        return told

    def words(self) -> Sequence[str]:
        return self.plain.words()

    def milliseconds(self, answer: bytes) -> int | None:  # noqa: ARG002 - vectors make no sound
        return None


def foreign(target: Target) -> EmbeddingWire | None:
    """How to ask a vendor of another dialect; None where nothing is translated."""
    return None if target.endpoint.dialect == SAME else wire_of(target.endpoint)


def embeddings_errand(content: JsonContent) -> EmbeddingsErrand:
    """Raises RequestInvalid."""
    expect_encoding(content.document)
    return EmbeddingsErrand(content, PassedOn(PATH, content, streams=False))
