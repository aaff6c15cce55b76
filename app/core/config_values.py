"""What values of settings look like: each is read or checked by one function here."""

import ipaddress
import re
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, SecretStr

from app.core.database_url import parse_database_url
from app.core.limits import parse_limit

_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")


def rate(name: str) -> Any:
    """Reads `600/60` or `off` for the policy of this name."""
    return BeforeValidator(lambda given: parse_limit(name, given) if is_text(given) else given)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def exact_origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value):
        raise ValueError(
            f"{value[:100]!r} is not an origin: write scheme, host and port as a browser sends "
            "them, as in https://app.example.com, without `*` or a path"
        )
    return value


def network(value: str) -> str:
    if value != "unix":
        ipaddress.ip_network(value, strict=False)
    return value


def web_address(value: str) -> str:
    return issuer(value).rstrip("/")


def issuer(value: str) -> str:
    """An address that is compared letter by letter, the slash at its end too."""
    if value and not _is_web_address(value):
        raise ValueError("it is no web address; it looks like https://app.example.com")
    return value


def _is_web_address(value: str) -> bool:
    try:
        host = urlsplit(value).hostname
    except ValueError:
        return False
    return bool(host and re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", value))


def name_server(value: str) -> str:
    """`10.0.0.2`, `127.0.0.1:5353`, `[2001:db8::1]:53`."""
    try:
        host = urlsplit(f"//{value}").hostname if value.count(":") < 2 or "[" in value else value
        ipaddress.ip_address(host or "")
    except ValueError:
        raise ValueError(f"{value[:100]!r} is no name server; it looks like 10.0.0.2:53") from None
    return value


def host_or_network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        if not _HOST.fullmatch(value):
            raise ValueError(
                f"{value[:100]!r} is no host, address or network; they look like "
                "models.internal, 10.1.0.7 and 10.1.0.0/16"
            ) from None
    return value


def redis(value: SecretStr) -> SecretStr:
    """No connection is made of it here."""
    from redis.asyncio import ConnectionPool  # noqa: PLC0415 - `--help` needs no Valkey

    try:
        pool: Any = ConnectionPool.from_url(value.get_secret_value())
        pool.make_connection()
    except TypeError as error:
        unknown = str(error).rpartition(" ")[2]
        raise ValueError(f"its parameter {unknown} is not known") from None
    except ValueError:
        raise ValueError(
            "it is no address of Valkey or Redis; it looks like redis://host:6379/0, "
            "rediss://:password@host:6380/0?ssl_ca_certs=/etc/ca.pem or unix:///path"
        ) from None
    return value


def bucket(value: str) -> str:
    if value and not re.fullmatch(r"s3://[a-z0-9][a-z0-9._-]{1,62}(/[^\s?#]*)?(\?[^\s#]*)?", value):
        raise ValueError(
            "it is no address of a bucket; it looks like s3://bucket/folder?region=eu-central-1 or "
            "s3://bucket?endpoint=https://minio.internal:9000"
        )
    return value


def mail_server(value: SecretStr) -> SecretStr:
    if not re.match(r"(smtp|smtps|smtp\+starttls)://[^\s]", value.get_secret_value()):
        raise ValueError(
            "write smtp://, smtps:// or smtp+starttls:// with a host, as in "
            "smtps://user:password@mail.example.com:465"
        )
    return value


def proxy(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"http://([^\s/@]+@)?[^\s/@]+:[0-9]{1,5}/?", value.get_secret_value()):
        raise ValueError("it is no address of a proxy; it looks like http://user:secret@proxy:3128")
    return value


def database(value: SecretStr) -> SecretStr:
    parse_database_url(value.get_secret_value())
    return value


def sender(value: str) -> str:
    if not value.isprintable() or "@" not in parseaddr(value)[1]:
        raise ValueError("it is no sender; it looks like `Luminous <no-reply@example.com>`")
    return value


def plugins(value: str) -> str:
    names = [name.strip() for name in value.split(",")]
    if not all(re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) for name in names):
        raise ValueError("write on, off, or names of plug-ins with commas between them")
    return ",".join(names)
