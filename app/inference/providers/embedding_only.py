"""Vendors that embed, and do not chat with us: Cohere and Voyage."""

from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from app.inference.providers.adapter import HttpProvider
from app.inference.providers.codec import StreamDecoder, Unsupported
from app.inference.providers.kinds import Connection, HttpKind
from app.inference.providers.types import ChatRequest, ChatResult, ModelListing, Provider
from app.inference.providers.urls import join

# It has no address that lists them.
VOYAGE_MODELS = (
    "voyage-4-large", "voyage-4", "voyage-4-lite", "voyage-3-large", "voyage-3.5",
    "voyage-3.5-lite", "voyage-code-4", "voyage-code-3", "voyage-finance-2", "voyage-law-2",
)  # fmt: skip


class EmbeddingCodec:
    """A codec of a vendor that is asked for embeddings only; chats are refused before they go."""

    takes: frozenset[str] = frozenset()

    def __init__(self, dialect: str, base_url: str) -> None:
        self.dialect = dialect
        self.base_url = base_url

    def headers(self, api_key: str) -> dict[str, str]:
        return {"Content-Type": "application/json", "Authorization": f"Bearer {api_key}"}

    def chat_url(self, model: str, *, streaming: bool) -> str:  # noqa: ARG002 - it has none
        return self.base_url

    def encode(self, request: ChatRequest, *, streaming: bool) -> dict[str, Any]:  # noqa: ARG002
        self._refuse()

    def decode(self, body: bytes) -> ChatResult:  # noqa: ARG002 - nothing was asked
        self._refuse()

    def decoder(self) -> StreamDecoder:
        self._refuse()

    def models_url(self, after: str | None) -> str:
        """Cohere's listing."""
        more = {"page_token": after} if after else {}
        return join(self.base_url, "/v1/models", endpoint="embed", page_size="1000", **more)

    def decode_models(self, body: bytes) -> tuple[list[ModelListing], str | None]:
        document = orjson.loads(body)
        rows = document.get("models") or []
        listed = [
            ModelListing(name=str(row["name"]), context_window=row.get("context_length") or None)
            for row in rows
        ]
        return listed, document.get("next_page_token") or None

    def check_url(self) -> str:
        return join(self.base_url, "/v1/models", page_size="1")

    def _refuse(self) -> NoReturn:
        raise Unsupported("it is asked for embeddings only.")


class VoyageProvider(HttpProvider):
    """Its models are known here, and its key is proved by one word's embedding."""

    def __init__(self, kind: HttpKind, connection: Connection) -> None:
        super().__init__(
            kind.label,
            kind.codec(connection.base_url),
            connection.api_key,
            connection.transport,
            connection.settings,
            allow_private=connection.allow_private,
        )
        self._address = join(connection.base_url, "/embeddings")

    async def list_models(self) -> list[ModelListing]:
        return [ModelListing(name=name) for name in VOYAGE_MODELS]

    async def check(self) -> None:
        asked = orjson.dumps({"model": "voyage-3.5-lite", "input": ["a"]})
        await self._retry.call(lambda: self._fetch("POST", self._address, asked))


@dataclass(frozen=True, slots=True)
class VoyageKind(HttpKind):
    def build(self, connection: Connection) -> Provider:
        return VoyageProvider(self, connection)


def cohere_codec(base_url: str) -> EmbeddingCodec:
    return EmbeddingCodec("cohere", base_url)


def voyage_codec(base_url: str) -> EmbeddingCodec:
    return EmbeddingCodec("voyage", base_url)
