"""One request for embeddings: bytes to whoever speaks OpenAI's dialect, translated for Gemini."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.inference.integrations.directory import Target
from app.inference.operations.content import JSON, JsonContent
from app.inference.operations.errand import PassedOn, name_of
from app.inference.operations.gemini_embeddings import (
    BATCH,
    GENERATE,
    batch_body,
    expect_encoding,
    openai_answer,
    told_tokens,
)
from app.inference.providers.codec import BadAnswer
from app.inference.providers.events import fault_of
from app.inference.providers.registry import KINDS
from app.inference.providers.transport.request import Body
from app.inference.providers.types import Usage

PATH: Final = "/embeddings"
TRANSLATED: Final = "gemini"


@dataclass(frozen=True, slots=True)
class EmbeddingsErrand:
    content: JsonContent
    plain: PassedOn
    streams: bool = False
    method: str = "POST"

    def url(self, target: Target) -> str:
        if not translated(target):
            return self.plain.url(target)
        codec = KINDS[target.endpoint.kind].codec(target.endpoint.base_url)
        return codec.chat_url(target.model, streaming=False).replace(GENERATE, BATCH)

    def headers(self, target: Target) -> Mapping[str, str]:  # noqa: ARG002 - the same for all
        return {"Content-Type": JSON}

    def body(self, target: Target) -> Body:
        if translated(target):
            return batch_body(self.content.document, target.model)
        return self.plain.body(target)

    def check(self, target: Target, answer: bytes) -> None:
        self.plain.check(target, answer)

    def answer(self, target: Target, answer: bytes) -> bytes:
        if not translated(target):
            return answer
        try:
            return openai_answer(answer, self.content.document, target.model)
        except BadAnswer as fault:
            endpoint = target.endpoint
            raise fault_of(fault, name_of(endpoint), endpoint.api_key) from None

    def usage(self, answer: bytes) -> Usage | None:
        """What is told; where nothing is, the estimate of the input stands."""
        counted = told_tokens(answer) if b'"usageMetadata"' in answer[-1024:] else 0
        return Usage(input_tokens=counted) if counted else self.plain.usage(answer)

    def words(self) -> Sequence[str]:
        return self.plain.words()

    def milliseconds(self, answer: bytes) -> int | None:  # noqa: ARG002 - vectors make no sound
        return None


def translated(target: Target) -> bool:
    return target.endpoint.dialect == TRANSLATED


def embeddings_errand(content: JsonContent) -> EmbeddingsErrand:
    """Raises RequestInvalid."""
    expect_encoding(content.document)
    return EmbeddingsErrand(content, PassedOn(PATH, content, streams=False))
