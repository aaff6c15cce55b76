"""The small model behind OpenAI's address for embeddings, on loopback: a provider like any other.

So it is listed, admitted, metered (at no cost) and refused like one, and clients need to know
nothing of it. What OpenAI has and it has not is refused by name.
"""

from base64 import b64encode
from typing import Any, Final

import orjson

from app.core.errors import AppError
from app.inference.embeddings.local import DIMENSIONS, LocalEmbedder
from app.inference.embeddings.packing import packed
from app.inference.integrations.directory import LOCAL_MODEL as MODEL
from app.inference.integrations.directory import LOCAL_SLUG
from app.inference.providers.demo.http import HttpExchange, HttpServer
from app.inference.usage.service import estimate_text

REFERENCE: Final = f"{LOCAL_SLUG}/{MODEL}"
MOST_TEXTS: Final = 256
KNOWN: Final = frozenset({"model", "input", "dimensions", "encoding_format", "user"})
PATH: Final = "/v1/embeddings"


class Refused(Exception):
    def __init__(self, param: str | None, said: str, status: int = 400) -> None:
        super().__init__(said)
        self.param = param
        self.status = status


class LocalServer(HttpServer):
    """`async with LocalServer(embedder) as server:` then ask `server.base_url` as OpenAI."""

    def __init__(self, embedder: LocalEmbedder) -> None:
        super().__init__(self._answer)
        self._embedder = embedder

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def _answer(self, exchange: HttpExchange) -> None:
        try:
            answer = await self._embeddings(exchange)
        except Refused as refused:
            error = {"message": str(refused), "type": "invalid_request_error"}
            document = {"error": {**error, "param": refused.param, "code": None}}
            await exchange.send(refused.status, orjson.dumps(document))
        except AppError as error:
            said = {
                "message": str(error),
                "type": "server_error",
                "param": None,
                "code": error.code,
            }
            await exchange.send(503, orjson.dumps({"error": said}))
        else:
            await exchange.send(200, orjson.dumps(answer))

    async def _embeddings(self, exchange: HttpExchange) -> dict[str, Any]:
        request = exchange.request
        if (request.method, request.path) != ("POST", PATH):
            raise Refused(None, f"The local model has no {request.path[:100]}.", 404)
        document = read(request.body)
        texts = texts_of(document)
        vectors = await self._embedder.embed(texts)
        encoded = document.get("encoding_format") == "base64"
        counted = sum(map(estimate_text, texts))
        rows = [
            {"object": "embedding", "index": index, "embedding": written(vector, encoded=encoded)}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": counted, "total_tokens": counted}
        return {"object": "list", "data": rows, "model": MODEL, "usage": usage}


def read(body: bytes) -> dict[str, Any]:
    """Raises Refused for what this model cannot do."""
    try:
        document = orjson.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refused(None, "The body must be a JSON object.")
    for name, value in document.items():
        if name not in KNOWN and value is not None:
            raise Refused(name[:100], f"Unrecognized request argument supplied: {name[:100]}")
    if document.get("model") != MODEL:
        raise Refused(
            "model", f"The model `{str(document.get('model'))[:100]}` does not exist.", 404
        )
    if document.get("dimensions") not in (None, DIMENSIONS):
        raise Refused("dimensions", f"Invalid 'dimensions': this model has {DIMENSIONS}.")
    if document.get("encoding_format") not in (None, "float", "base64"):
        raise Refused("encoding_format", "Invalid 'encoding_format': expected 'float' or 'base64'.")
    return document


def texts_of(document: dict[str, Any]) -> list[str]:
    """Raises Refused."""
    given = document.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 0 < len(texts) <= MOST_TEXTS:
        raise Refused("input", f"Invalid 'input': expected 1 to {MOST_TEXTS} texts.")
    if not all(isinstance(text, str) for text in texts):
        raise Refused("input", "Invalid 'input': this model takes text, not tokens.")
    if not all(texts):
        raise Refused("input", "Invalid 'input': a text must not be empty.")
    return texts


def written(vector: list[float], *, encoded: bool) -> list[float] | str:
    return b64encode(packed(vector)).decode() if encoded else vector
