"""Trusted proxies: whose word counts for where a request comes from.

`Forwarded` (RFC 7239), or `X-Forwarded-For` with `X-Forwarded-Proto`, is read from the right: each
hop is believed only as long as the one that reports it is a trusted proxy. The first that is none
is the client. From anyone else, and where it cannot be read, it means nothing. Where both are there
and name different clients, neither is believed: a proxy that writes one passes the other on as a
client sent it.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

UNIX: Final = "unix"
MOST_HOPS: Final = 32
_PAIR: Final = re.compile(r'\s*([a-z]+)\s*=\s*(?:"([^"\\]*)"|([^\s",;=]*))\s*', re.IGNORECASE)
_SCHEMES: Final = frozenset({"http", "https"})

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Hop = tuple[str, str]  # what a proxy says of whom it serves: the address, and the scheme


class TrustedProxies:
    """Puts the client in the place of the proxies that it came through."""

    def __init__(self, trusted: Iterable[str]) -> None:
        listed = tuple(trusted)
        self._unix = UNIX in listed
        self._networks: tuple[Network, ...] = tuple(
            ipaddress.ip_network(entry, strict=False) for entry in listed if entry != UNIX
        )

    def correct(self, scope: Scope) -> None:
        """Have the scope of a request tell the client's address and scheme."""
        if not (self._networks or self._unix):
            return
        peer = scope["client"][0] if scope.get("client") else ""
        if not (self._trusts(peer) if peer else self._unix):
            return
        clients = {self._client(way) for way in _ways(scope)}
        if len({client and client[0] for client in clients}) != 1:
            return
        client = clients.pop()
        if client is None:
            return
        address, scheme = client
        scope["client"] = (address, 0)
        if scheme in _SCHEMES:
            scope["scheme"] = scheme

    def _client(self, way: list[Hop]) -> Hop | None:
        """The right-most hop that is no trusted proxy, as far as the way can be read."""
        found: Hop | None = None
        for said, scheme in reversed(way):
            address = read_address(said)
            if address is None:
                break
            found = (address, scheme)
            if not self._trusts(address):
                break
        return found

    def _trusts(self, address: str) -> bool:
        read = read_address(address)
        return read is not None and any(ipaddress.ip_address(read) in n for n in self._networks)


def read_address(text: str) -> str | None:
    """The IP address in `203.0.113.7:80`, `[2001:db8::1]:80` or either bare; None for all else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _ways(scope: Scope) -> list[list[Hop]]:
    """What each of the headers says of the way, the client's end first; its last MOST_HOPS."""
    forwarded = [_hop(element) for element in _values(scope, b"forwarded")][-MOST_HOPS:]
    return [way for way in (forwarded, _x_forwarded(scope)) if way]


def _x_forwarded(scope: Scope) -> list[Hop]:
    addresses = _values(scope, b"x-forwarded-for")[-MOST_HOPS:]
    schemes = [scheme.lower() for scheme in _values(scope, b"x-forwarded-proto")]
    # Proxies that only tell the scheme of the outermost connection send one for all hops.
    if len(schemes) != len(addresses):
        schemes = [schemes[-1] if schemes else ""] * len(addresses)
    return list(zip(addresses, schemes, strict=True))


def _values(scope: Scope, wanted: bytes) -> list[str]:
    joined = ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == wanted)
    return [part.strip() for part in joined.split(",")] if joined.strip() else []


def _hop(element: str) -> Hop:
    """One element of `Forwarded`; an empty address where it cannot be read."""
    said: dict[str, str] = {}
    for pair in element.split(";"):
        match = _PAIR.fullmatch(pair)
        if match is None:
            return "", ""
        said[match[1].lower()] = match[2] if match[2] is not None else match[3]
    return said.get("for", ""), said.get("proto", "").lower()
