"""The vendors' fakes as upstreams of the provider contract."""

from typing import Any, ClassVar

import orjson

from app.inference.providers.contract import KEY, Asked, HttpUpstream
from app.inference.providers.contract import Said as Wanted
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Fake, Said
from tests.support.fakes.gemini import FakeGemini
from tests.support.fakes.openai import FakeOpenAI


class FakedUpstream(HttpUpstream):
    """Says what it is told in the words of one of our fakes."""

    words: type[Fake]
    endings: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.fake = self.words()

    def streams(self, asked: Asked) -> bool:
        return bool(asked.document.get("stream"))

    def whole(self, said: Wanted, asked: Asked) -> bytes:
        return orjson.dumps(self.fake.whole(self.translated(said), self.body(asked)))

    def frames(self, said: Wanted, asked: Asked) -> list[bytes]:
        return self.fake.frames(self.translated(said), self.body(asked))

    def refusal(self, status: int, message: str) -> bytes:
        return orjson.dumps(self.fake.error(status, message))

    def body(self, asked: Asked) -> dict[str, Any]:
        return asked.document

    def translated(self, said: Wanted) -> Said:
        ending = self.endings.get(said.finish, "")
        return Said(
            said.text, said.reasoning, calls=said.calls, finish=ending, usage=self.usage(said.usage)
        )

    def usage(self, usage: Any) -> dict[str, Any]:
        raise NotImplementedError


class OpenAIUpstream(FakedUpstream):
    words = FakeOpenAI
    base_path = "/v1"
    endings: ClassVar = {"length": "length", "content_filter": "content_filter"}

    def authorised(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {KEY}"

    def error_frame(self, message: str) -> bytes:
        document = {"error": {"message": message, "type": "server_error", "code": 500}}
        return b"data: " + orjson.dumps(document) + b"\n\n"

    def page(self, names: list[str], following: str | None) -> bytes:
        rows = [{"id": name, "object": "model"} for name in names]
        return orjson.dumps({"object": "list", "data": rows})

    def usage(self, usage: Any) -> dict[str, Any]:
        return {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cached_input_tokens},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        }


class AzureUpstream(OpenAIUpstream):
    def authorised(self, asked: Asked) -> bool:
        return asked.headers.get("api-key") == KEY and "authorization" not in asked.headers


class MistralUpstream(OpenAIUpstream):
    """It reports usage unasked, and refuses a request that asks for it."""

    def body(self, asked: Asked) -> dict[str, Any]:
        assert "stream_options" not in asked.document
        return asked.document | {"stream_options": {"include_usage": True}}


class OpenRouterUpstream(OpenAIUpstream):
    """It lists its models to anyone; a key is looked at by `GET /key` only."""

    def authorised(self, asked: Asked) -> bool:
        return asked.path == "/v1/models" or super().authorised(asked)


class AnthropicUpstream(FakedUpstream):
    words = FakeAnthropic
    endings: ClassVar = {"length": "max_tokens", "refusal": "refusal"}

    def authorised(self, asked: Asked) -> bool:
        return asked.headers.get("x-api-key") == KEY and "anthropic-version" in asked.headers

    def error_frame(self, message: str) -> bytes:
        return b"event: error\ndata: " + self.refusal(500, message) + b"\n\n"

    def page(self, names: list[str], following: str | None) -> bytes:
        rows = [{"type": "model", "id": name, "display_name": name} for name in names]
        return orjson.dumps({"data": rows, "has_more": following is not None, "last_id": names[-1]})

    def cursor(self, asked: Asked) -> str | None:
        return asked.query.get("after_id")

    def usage(self, usage: Any) -> dict[str, Any]:
        return {
            "input_tokens": usage.input_tokens - usage.cached_input_tokens,
            "output_tokens": usage.output_tokens,
            "cache_read_input_tokens": usage.cached_input_tokens,
            "cache_creation_input_tokens": 0,
            "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        }


class GeminiUpstream(FakedUpstream):
    words = FakeGemini
    endings: ClassVar = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}

    def authorised(self, asked: Asked) -> bool:
        return asked.headers.get("x-goog-api-key") == KEY

    def streams(self, asked: Asked) -> bool:
        return asked.path.endswith(":streamGenerateContent")

    def error_frame(self, message: str) -> bytes:
        return b"data: " + self.refusal(500, message) + b"\n\n"

    def page(self, names: list[str], following: str | None) -> bytes:
        rows = [{"name": f"models/{name}"} for name in names]
        return orjson.dumps({"models": rows} | ({"nextPageToken": following} if following else {}))

    def cursor(self, asked: Asked) -> str | None:
        return asked.query.get("pageToken")

    def usage(self, usage: Any) -> dict[str, Any]:
        return {
            "promptTokenCount": usage.input_tokens,
            "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
            "thoughtsTokenCount": usage.reasoning_tokens,
            "cachedContentTokenCount": usage.cached_input_tokens,
        }
