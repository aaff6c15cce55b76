"""Headers of a vendor's client that mean something to the vendor's own server."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from app.inference.dialects.ask import Ask
from app.inference.relay.visit import Visit

# By dialect; what is sent to a provider of another one has no use for them.
PASSED: Final[Mapping[str, tuple[bytes, ...]]] = {
    "anthropic_messages": (b"anthropic-beta", b"anthropic-version"),
}


def with_headers(ask: Ask, names: tuple[bytes, ...], visit: Visit) -> Ask:
    """The same request with those of these that the client has sent."""
    sent = headers_sent(names, visit)
    return replace(ask, headers=sent) if sent else ask


def headers_sent(names: tuple[bytes, ...], visit: Visit) -> dict[str, str]:
    return {name.decode(): value for name in names if (value := visit.header(name))}
