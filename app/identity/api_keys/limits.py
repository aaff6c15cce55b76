"""A key's own rate limits in their stored form."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.core.limits import Limit


def limits_of(stored: Iterable[Mapping[str, Any]]) -> tuple[Limit, ...]:
    """The limits as they are applied, and as the client reads them in the headers."""
    return tuple(
        Limit(f"key-{limit['seconds']}s", limit["requests"], limit["seconds"]) for limit in stored
    )
