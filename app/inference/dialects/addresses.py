"""Where a provider takes a dialect's requests."""

from functools import lru_cache
from typing import Final

from app.inference.integrations.directory import Endpoint
from app.inference.providers.registry import KINDS

CHAT: Final = "/chat/completions"


@lru_cache(maxsize=1024)
def chat_url(kind: str, base_url: str, model: str, streaming: bool) -> str:
    return KINDS[kind].codec(base_url).chat_url(model, streaming=streaming)


def beside_chat(endpoint: Endpoint, path: str) -> str:
    """The address of another of OpenAI's operations, with the query that the base carries."""
    return _beside(endpoint.kind, endpoint.base_url, path)


@lru_cache(maxsize=1024)
def _beside(kind: str, base_url: str, path: str) -> str:
    return chat_url(kind, base_url, "", False).replace(CHAT, path, 1)
