"""What the gateway must know of a dialect whose clients have tokens counted before they ask."""

from typing import Protocol

from app.inference.dialects.ask import Ask
from app.inference.integrations.directory import Endpoint


class TokenCount(Protocol):
    """A dialect's operation that counts tokens; one object serves all requests."""

    name: str

    def read(self, body: bytes, *, model: str | None = None) -> Ask:
        """Raises RequestInvalid."""
        ...

    def passes_bytes_to(self, endpoint: Endpoint) -> bool:
        """Tell whether the endpoint counts by itself."""
        ...

    def url(self, endpoint: Endpoint, model: str) -> str: ...

    def body(self, ask: Ask, model: str) -> bytes: ...

    def answer(self, tokens: int) -> bytes:
        """A count of ours, where the endpoint has none."""
        ...
