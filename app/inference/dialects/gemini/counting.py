"""`:countTokens`."""

from dataclasses import replace
from typing import Final

import orjson

from app.inference.dialects.ask import Ask, read_document
from app.inference.dialects.checks import mapping
from app.inference.dialects.gemini.dialect import Gemini
from app.inference.dialects.gemini.parse_contents import NAME
from app.inference.integrations.directory import Endpoint
from app.inference.providers.gemini import GeminiCodec

# A count of a whole request, tools and instructions included, stands in an object of its own.
WHOLE: Final = ("generateContentRequest", "generate_content_request")


class ContentTokenCount:
    name = NAME

    def __init__(self, dialect: Gemini) -> None:
        self._dialect = dialect

    def read(self, body: bytes, *, model: str | None = None) -> Ask:
        document = read_document(body)
        whole = next((name for name in WHOLE if document.get(name) is not None), None)
        if whole is None:
            return self._dialect.read(body, model=model)
        asked = orjson.dumps(mapping(document[whole], whole))
        return replace(self._dialect.read(asked, model=model), body=body, options={"whole": whole})

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        return endpoint.dialect == NAME

    def url(self, endpoint: Endpoint, model: str) -> str:
        return GeminiCodec(endpoint.base_url).count_url(model)

    def body(self, ask: Ask, model: str) -> bytes:
        """The bytes as they came; only a request that stands in them names the model again."""
        whole = ask.options.get("whole")
        if whole is None:
            return self._dialect.upstream_body(ask, model)
        named = ask.document | {"model": f"models/{model.removeprefix('models/')}"}
        return orjson.dumps({whole: named})

    def answer(self, tokens: int) -> bytes:
        return orjson.dumps({"totalTokens": tokens})
