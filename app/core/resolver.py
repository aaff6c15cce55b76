"""Questions to the domain name system."""

from typing import TYPE_CHECKING

from app.core.errors import Unavailable

if TYPE_CHECKING:
    from dns.nameserver import Nameserver

SECONDS = 5.0


class DnsUnavailable(Unavailable):
    code = "dns_unavailable"
    title = "The domain name system does not answer"


async def texts(name: str, servers: tuple[str, ...] = ()) -> list[str]:
    """The TXT records of a name, none for one that has none; raises DnsUnavailable.

    `servers` are addresses (`10.0.0.2`, `127.0.0.1:5353`); none means the system's own.
    """
    import dns.asyncresolver  # noqa: PLC0415 - it brings a second HTTP client, and few domains come

    resolver = dns.asyncresolver.Resolver(configure=not servers)
    resolver.cache = None
    resolver.lifetime = SECONDS
    if servers:
        resolver.nameservers = [_server(text) for text in servers]
    try:
        answer = await resolver.resolve(name, "TXT", search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise DnsUnavailable(f"{name}: {type(error).__name__}.", retry_after=10) from error
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _server(text: str) -> "Nameserver":
    from dns.nameserver import Do53Nameserver  # noqa: PLC0415 - as above

    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return Do53Nameserver(host, int(port.lstrip(":") or 53))
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return Do53Nameserver(host, int(port))
    return Do53Nameserver(text)
