"""The address of a Postgres database, taken apart: nothing of it is left to the driver."""

import ssl
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from app.agents.databases.errors import DsnInvalid
from app.core.net import ascii_host

Tls = Literal["disable", "require", "verify-full"]
_TLS: Final[dict[str, Tls]] = {
    "disable": "disable",
    "require": "require",
    "verify-full": "verify-full",
}


@dataclass(frozen=True, slots=True)
class Address:
    """`tls` is what `sslmode` says, by default `require`: encrypted, whoever answers."""

    host: str
    port: int
    database: str
    user: str
    password: str
    tls: Tls

    @property
    def shown(self) -> str:
        """Without the password, and who signs in."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}/{self.database}"


def parse(dsn: str) -> Address:
    """Raises DsnInvalid; its words say nothing of the address itself."""
    try:
        split = urlsplit(dsn)
        port = split.port or 5432
        host = ascii_host(split.hostname or "").lower()
    except ValueError:
        raise DsnInvalid("It cannot be read as a URL.") from None
    if split.scheme not in ("postgresql", "postgres"):
        raise DsnInvalid("It looks like postgresql://reader:password@db.example.com:5432/shop.")
    database = unquote(split.path.removeprefix("/"))
    user = unquote(split.username or "")
    if not (host and database and user) or "," in split.netloc.rpartition("@")[2]:
        raise DsnInvalid("It names one host, a database and who signs in.")
    if "/" in host or "%" in host or "\x00" in unquote(dsn):
        raise DsnInvalid("It names its host by a name or an address.")
    return Address(host, port, database, user, unquote(split.password or ""), _tls(split.query))


def _tls(query: str) -> Tls:
    given = dict(parse_qsl(query, keep_blank_values=True))
    asked = given.pop("sslmode", "require")
    if given or asked not in _TLS:
        raise DsnInvalid("Its only parameter is `sslmode`: disable, require or verify-full.")
    return _TLS[asked]


class _Named(ssl.SSLContext):
    """Expects the certificate of a host, whatever address of it is connected to."""

    host: str

    def wrap_bio(self, *arguments: Any, **more: Any) -> ssl.SSLObject:
        return super().wrap_bio(*arguments, **{**more, "server_hostname": self.host})


def tls_of(address: Address) -> ssl.SSLContext | bool:
    """What the driver is to do about TLS."""
    if address.tls == "disable":
        return False
    context = _Named(ssl.PROTOCOL_TLS_CLIENT)
    context.host = address.host
    if address.tls == "verify-full":
        context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
