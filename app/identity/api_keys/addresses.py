"""The networks that a key serves."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def networks_of(stored: Iterable[str]) -> tuple[Network, ...]:
    """Networks in their stored form; raises ValueError for what is none."""
    return tuple(ip_network(text) for text in stored)


def normal(text: str) -> str:
    """A CIDR or a single address as it is stored; raises ValueError, also for stray host bits."""
    return str(ip_network(text.strip()))


def serves(networks: tuple[Network, ...], address: str) -> bool:
    """Whether an address is in one of the networks; no networks are all of them."""
    if not networks:
        return True
    try:
        caller = _plain(ip_address(address))
    except ValueError:
        return False
    return any(caller in network for network in networks)


def within(networks: tuple[Network, ...], inner: Network) -> bool:
    """Whether one of the networks holds all of another."""
    return any(inner.version == each.version and inner.subnet_of(each) for each in networks)  # type: ignore[arg-type]


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 caller on a socket of both families has an IPv6 form of its address."""
    return getattr(address, "ipv4_mapped", None) or address
