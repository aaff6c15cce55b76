"""Fakes of vendors that embed, each in its own words: Cohere, Voyage and Ollama."""

from typing import Any

import orjson

from tests.support.fakes.base import KEY, Action, Fake, Recorded, body_of, status


def vector_of(text: str, dimensions: int) -> list[float]:
    """Another one for each length of a text; not normalised."""
    return [2.0, *(float(len(text) + place) for place in range(1, dimensions))]


class FakeEmbedder(Fake):
    """`most_characters` is what a text may have; more is refused as too long."""

    kind = ""
    base_path = ""
    path = "/embeddings"
    field = "input"
    most_texts = 1000

    def __init__(self) -> None:
        super().__init__()
        self.most_characters = 100_000

    def authorised(self, headers: Any) -> bool:
        return headers.get("authorization") == f"Bearer {KEY}"

    def error(self, status: int, message: str, **extra: Any) -> dict[str, Any]:
        return {"message": message, **extra}

    def other(self, recorded: Recorded) -> Action | None:
        if recorded.method == "GET":
            return None
        if recorded.path != self.base_path + self.path:
            return status(404, "There is no such address.")
        texts = recorded.body[self.field]
        if len(texts) > self.most_texts:
            return status(400, "too many texts")
        if max(map(len, texts)) > self.most_characters:
            return status(400, "input is too long: maximum context length is 512 tokens")
        return body_of(orjson.dumps(self.embedded(texts, recorded.body)))

    def embedded(self, texts: list[str], body: Any) -> dict[str, Any]:
        raise NotImplementedError


class FakeCohere(FakeEmbedder):
    kind = "cohere"
    path = "/v2/embed"
    field = "texts"
    most_texts = 96

    def embedded(self, texts: list[str], body: Any) -> dict[str, Any]:
        assert body["input_type"] in ("search_document", "search_query")
        assert body["embedding_types"] == ["float"]
        vectors = [vector_of(text, body.get("output_dimension", 4)) for text in texts]
        return {
            "id": "e-1",
            "embeddings": {"float": vectors},
            "texts": texts,
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 21}},
            "response_type": "embeddings_by_type",
        }

    def models(self) -> dict[str, Any]:
        rows = [{"name": "embed-v4.0", "endpoints": ["embed"], "context_length": 128000}]
        return {"models": rows, "next_page_token": None}


class FakeVoyage(FakeEmbedder):
    kind = "voyage"
    base_path = "/v1"
    most_texts = 1000

    def error(self, status: int, message: str, **extra: Any) -> dict[str, Any]:
        return {"detail": message, **extra}

    def embedded(self, texts: list[str], body: Any) -> dict[str, Any]:
        assert body.get("input_type") in ("query", "document", None)
        assert "dimensions" not in body
        rows = [
            {"object": "embedding", "embedding": vector_of(text, 4), "index": index}
            for index, text in enumerate(texts)
        ]
        usage = {"total_tokens": 34}
        # In another order than they were asked for: the index tells.
        return {"object": "list", "data": rows[::-1], "model": body["model"], "usage": usage}


class FakeOllama(FakeEmbedder):
    """Both of its surfaces are below one address; an integration names the one like OpenAI's."""

    kind = "ollama"
    path = "/api/embed"

    def authorised(self, headers: Any) -> bool:
        return True

    def error(self, status: int, message: str, **extra: Any) -> dict[str, Any]:
        return {"error": message}

    def embedded(self, texts: list[str], body: Any) -> dict[str, Any]:
        vectors = [vector_of(text, 4) for text in texts]
        return {"model": body["model"], "embeddings": vectors, "prompt_eval_count": 55}

    def models(self) -> dict[str, Any]:
        return {"object": "list", "data": [{"id": "nomic-embed-text", "object": "model"}]}
