"""A request for embeddings in Google's words: bytes to Gemini, translated for OpenAI's dialect."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.inference.dialects.addresses import beside_chat
from app.inference.dialects.ask import read_document
from app.inference.dialects.checks import (
    Neutral,
    expect_known,
    integer,
    invalid,
    mapping,
    rows,
    text,
)
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.gemini.naming import camelled
from app.inference.integrations.directory import Target
from app.inference.operations.content import JSON
from app.inference.operations.errand import SAME, name_of
from app.inference.operations.gemini_embeddings import BATCH, GENERATE, MOST_TEXTS, usage_told
from app.inference.operations.told import error_in, usage_in
from app.inference.providers.codec import BadAnswer
from app.inference.providers.errors import ProviderUnfit
from app.inference.providers.events import fault_of
from app.inference.providers.registry import KINDS
from app.inference.providers.types import Usage
from app.inference.usage.service import estimate_text

GOOGLES: Final = "gemini"
ONE: Final = ":embedContent"
OPENAIS: Final = "/embeddings"
KNOWN: Final = frozenset({"model", "content", "outputDimensionality"})
NOT_A_PART: Final[Neutral] = {"thought": (False,)}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GoogleEmbeddings:
    """`asked` is the request in camel case; one text, or (`batch`) several."""

    document: Row
    batch: bool
    asked: Row = field(init=False)
    streams: bool = False
    method: str = "POST"

    def __post_init__(self) -> None:
        object.__setattr__(self, "asked", camelled(self.document))

    @property
    def input_tokens(self) -> int:
        """What the input comes to as long as nobody has counted it."""
        return sum(map(estimate_text, self._words()))

    def url(self, target: Target) -> str:
        """Raises ProviderUnfit."""
        if target.endpoint.dialect == SAME:
            return beside_chat(target.endpoint, OPENAIS)
        if target.endpoint.dialect != GOOGLES:
            raise ProviderUnfit(name_of(target.endpoint), f"has no {OPENAIS}.")
        codec = KINDS[target.endpoint.kind].codec(target.endpoint.base_url)
        end = BATCH if self.batch else ONE
        return codec.chat_url(target.model, streaming=False).replace(GENERATE, end)

    def headers(self, target: Target) -> Mapping[str, str]:  # noqa: ARG002 - the same for all
        return {"Content-Type": JSON}

    def body(self, target: Target) -> bytes:
        """Raises RequestInvalid and UnsupportedParameter."""
        if target.endpoint.dialect == SAME:
            return orjson.dumps(self._translated(target.model))
        return orjson.dumps(self._renamed(target.model))

    def check(self, target: Target, answer: bytes) -> None:
        fault = error_in(answer)
        if fault is not None:
            raise fault_of(fault, name_of(target.endpoint), target.endpoint.api_key)

    def answer(self, target: Target, answer: bytes) -> bytes:
        if target.endpoint.dialect != SAME:
            return answer
        try:
            return self._told(answer)
        except BadAnswer as fault:
            raise fault_of(fault, name_of(target.endpoint), target.endpoint.api_key) from None

    def usage(self, answer: bytes) -> Usage | None:
        """What is told; where nothing is, the estimate of the input stands."""
        told = usage_told(answer) if b'"usageMetadata"' in answer[-1024:] else None
        return told or usage_in(answer)

    def words(self) -> Sequence[str]:
        return list(self._words())

    def milliseconds(self, answer: bytes) -> int | None:  # noqa: ARG002 - vectors make no sound
        return None

    def _requests(self) -> Iterator[tuple[str, Row]]:
        """Each text's own request, and its place."""
        if not self.batch:
            yield "", self.asked
            return
        for number, request in enumerate(rows(self.asked.get("requests"), "requests")):
            yield f"requests[{number}].", request

    def _words(self) -> Iterator[str]:
        for at, request in self._requests():
            content = mapping(request.get("content"), f"{at}content")
            for part in rows(content.get("parts"), f"{at}content.parts"):
                yield part["text"] if isinstance(part.get("text"), str) else ""

    def _renamed(self, model: str) -> Row:
        """The request as it came, with the model's own name wherever it stands."""
        named = {"model": f"models/{model.removeprefix('models/')}"}
        if not self.batch:
            return self.document | (named if "model" in self.document else {})
        given = rows(self.document.get("requests"), "requests")
        return self.document | {"requests": [request | named for request in given]}

    def _translated(self, model: str) -> Row:
        found = list(self._requests())
        if not 0 < len(found) <= MOST_TEXTS:
            raise invalid("requests", f"expected 1 to {MOST_TEXTS} of them with this model")
        sizes = {size_of(request, at) for at, request in found}
        if len(sizes) > 1:
            told = "must be the same in all requests with this model."
            raise UnsupportedParameter("requests[1].outputDimensionality", told)
        texts = [text_of(request, at) for at, request in found]
        asked = {"model": model, "input": texts, "encoding_format": "float"}
        dimensions = sizes.pop()
        return asked if dimensions is None else asked | {"dimensions": dimensions}

    def _told(self, answer: bytes) -> bytes:
        try:
            given = sorted(orjson.loads(answer)["data"], key=lambda row: row["index"])
            vectors = [{"values": row["embedding"]} for row in given]
        except (ValueError, KeyError, TypeError):
            raise BadAnswer("the answer holds no embeddings.") from None
        if len(vectors) != sum(1 for _ in self._requests()):
            raise BadAnswer("the answer holds another number of embeddings.")
        told: Row = {"embeddings": vectors} if self.batch else {"embedding": vectors[0]}
        usage = usage_in(answer)
        if usage is not None:
            told["usageMetadata"] = {"promptTokenCount": usage.input_tokens}
        return orjson.dumps(told)


def size_of(request: Row, at: str) -> int | None:
    return integer(request.get("outputDimensionality"), f"{at}outputDimensionality", 1)


def text_of(request: Row, at: str) -> str:
    """The text of one request; raises UnsupportedParameter for what is beside it."""
    expect_known(request, KNOWN, at)
    content = mapping(request.get("content"), f"{at}content")
    parts = rows(content.get("parts"), f"{at}content.parts")
    for number, part in enumerate(parts):
        place = f"{at}content.parts[{number}]."
        expect_known(part, frozenset({"text"}), place, NOT_A_PART)
        text(part.get("text"), f"{place}text")
    if not parts:
        raise invalid(f"{at}content.parts", "at least one part is required")
    return "".join(part["text"] for part in parts)


def google_embeddings(body: bytes, *, batch: bool) -> GoogleEmbeddings:
    """Raises RequestInvalid."""
    return GoogleEmbeddings(read_document(body), batch)
