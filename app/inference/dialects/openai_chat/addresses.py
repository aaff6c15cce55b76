"""Where a server of OpenAI's takes its other requests: beside its chat completions."""

from functools import lru_cache
from typing import Final

from app.inference.integrations.directory import Endpoint
from app.inference.providers.registry import KINDS

CHAT: Final = "/chat/completions"


def beside_chat(endpoint: Endpoint, path: str) -> str:
    """The address of another operation (`/embeddings`), with the query that the base carries."""
    return _beside(endpoint.kind, endpoint.base_url, path)


@lru_cache(maxsize=1024)
def _beside(kind: str, base_url: str, path: str) -> str:
    return KINDS[kind].codec(base_url).chat_url("", streaming=False).replace(CHAT, path, 1)
