"""Which addresses this service may connect to on behalf of others."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from yarl import URL

from app.core.errors import BadRequest

# Azure's in-machine metadata and DNS endpoint stands in public address space.
AZURE_WIRE_SERVER = IPv4Address("168.63.129.16")
# Reserved whole, though not every Python release says so; Oracle's metadata stands in it.
RESERVED = ip_network("192.0.0.0/24")
NAT64 = ip_network("64:ff9b::/96")
NAT64_LOCAL = ip_network("64:ff9b:1::/48")
EMBEDDED_IPV4 = ip_network("::/96")


class AddressRefused(BadRequest):
    code = "address_refused"
    title = "This address may not be connected to"


def is_public_address(ip: IPv4Address | IPv6Address) -> bool:
    """Tell an address of the public internet, also behind IPv6 wrappings of IPv4."""
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public_address(ip.ipv4_mapped)
        if ip in NAT64:
            return is_public_address(IPv4Address(int(ip) & 0xFFFFFFFF))
        if ip in NAT64_LOCAL or ip in EMBEDDED_IPV4 or ip.sixtofour or ip.teredo:
            return False
    if ip in RESERVED or ip == AZURE_WIRE_SERVER:
        return False
    return ip.is_global and not ip.is_multicast


def is_own_network(ip: IPv4Address | IPv6Address) -> bool:
    """Tell loopback and private networks, where local model servers stand, from metadata."""
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return True
    return ip.is_private and not (ip.is_link_local or ip.is_multicast or ip.is_unspecified)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses only, unless the host is named in `allow` or `allow_private` is set.

    `allow` holds host names, addresses or networks (`10.1.0.0/16`). `allow_private` opens
    loopback and private networks, never link-local ones, where clouds keep their credentials.
    """

    allow: tuple[str, ...] = ()
    allow_private: bool = False

    def check_url(self, url: URL) -> None:
        """Refuse what can be told without a look-up: scheme, credentials, literal addresses."""
        host = url.raw_host
        if url.scheme not in ("http", "https") or not host:
            raise AddressRefused("Only http and https URLs with a host can be called.")
        if url.raw_user is not None or url.raw_password is not None:
            raise AddressRefused("A URL may not carry credentials.")
        literal = literal_address(ascii_host(host))
        if literal is not None:
            self.check(host, [str(literal)])

    def check(self, host: str, addresses: Iterable[str]) -> None:
        """Refuse `host` if any of the addresses it resolved to is not allowed."""
        if host.lower().rstrip(".") in {name.lower() for name in self.allow}:
            return
        for address in addresses:
            if not self._allows(ip_address(address)):
                raise AddressRefused(
                    f"{host} is not on the public internet. An operator can allow it with "
                    "LUMINOUS_OUTBOUND_ALLOW."
                )

    def names(self, host: str) -> bool:
        """Whether the operator named this host, or a network that this address is in."""
        if host.lower().rstrip(".") in {name.lower() for name in self.allow}:
            return True
        ip = literal_address(host)
        networks = map(as_network, self.allow)
        return ip is not None and any(ip in network for network in networks if network is not None)

    def _allows(self, ip: IPv4Address | IPv6Address) -> bool:
        if is_public_address(ip) or (self.allow_private and is_own_network(ip)):
            return True
        return any(ip in network for network in map(as_network, self.allow) if network is not None)


def parse_url(text: str) -> URL:
    """Parse an address once, so that what is checked is what is called."""
    try:
        url = URL(text, encoded=True)
        _ = url.port
    except ValueError:
        raise AddressRefused("This is not a valid URL.") from None
    return url


def ascii_host(host: str) -> str:
    """A host as it is looked up: written in wide digits, 127.0.0.1 is still an address."""
    try:
        return host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise AddressRefused("This is not a valid host.") from None


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """Read the address a host is, None for a name; refuse legacy numeric forms."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        socket.inet_aton(host)
    except (OSError, UnicodeError):
        return None
    raise AddressRefused(f"{host} is not a canonical IP address.")


def as_network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
