"""A request's address and head, checked so that nothing in them can be read as anything else."""

import re
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict

from yarl import URL

from app.inference.providers.errors import ProviderRejected, ProviderUnreachable

TARGET: Final = re.compile(r"/[!-~]*")
HOST: Final = re.compile(r"[!-~]+")
NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
DEFAULTS: Final = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "luminous"}
# RFC 9110's idempotent methods: sent twice they do what they do once.
IDEMPOTENT: Final = frozenset({"GET", "PUT", "DELETE", "OPTIONS"})
MOST_HEADS: Final = 64
BODILESS: Final = frozenset({"GET", "DELETE", "OPTIONS"})
# What the connection and the body's framing need is written here and nowhere else.
OURS: Final = frozenset({"connection", "content-length", "host", "transfer-encoding"})

Origin = tuple[str, str, int, bool]  # scheme, host, port, and whether it may be private


Body = bytes | AsyncIterable[bytes] | None


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to connect to, and what to ask for there.

    `heads` are those that were made for it, by method and headers: one address is asked with the
    same headers again and again.
    """

    origin: Origin
    authority: str
    path: str
    heads: dict[object, bytes] = field(init=False, repr=False, compare=False, default_factory=dict)

    @property
    def is_secure(self) -> bool:
        return self.origin[0] == "https"

    @property
    def host(self) -> str:
        return self.origin[1]

    @property
    def port(self) -> int:
        return self.origin[2]

    @property
    def allow_private(self) -> bool:
        return self.origin[3]


class Options(TypedDict, total=False):
    """How a request is sent: times in seconds, None for the operator's setting.

    `repeatable` is whether it may be sent twice; by default what its method says.
    """

    provider: str
    allow_private: bool
    first_byte_seconds: float | None
    connect_seconds: float | None
    idle_seconds: float | None
    max_bytes: int
    repeatable: bool | None


@dataclass(slots=True, eq=False)
class Request:
    """What is sent before its body, and the bounds of the answer.

    `lines` are its head but for the body's length.
    """

    target: Target
    method: str
    lines: bytes
    provider: str
    first_byte_seconds: float
    connect_seconds: float
    idle_seconds: float
    max_bytes: int
    repeatable: bool

    def head_for(self, length: int | None) -> bytes:
        """The whole head, for a body of this length; without one the body is chunked."""
        if length is None:
            return self.lines + b"transfer-encoding: chunked\r\n\r\n"
        if length or self.method not in BODILESS:
            return b"%bcontent-length: %d\r\n\r\n" % (self.lines, length)
        return self.lines + b"\r\n"


def read_target(url: URL, provider: str, *, allow_private: bool) -> Target:
    """Raises ProviderUnreachable for a URL that cannot stand in a request."""
    host, path, port = url.raw_host or "", url.raw_path_qs or "/", url.port or 0
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        host = ""
    if not (HOST.fullmatch(host) and TARGET.fullmatch(path) and port):
        raise ProviderUnreachable(provider, "the base URL is not valid.")
    shown = f"[{host}]" if ":" in host else host
    is_usual = port == {"http": 80, "https": 443}.get(url.scheme)
    authority = shown if is_usual else f"{shown}:{port}"
    return Target((url.scheme, host, port, allow_private), authority, path)


def head_of(method: str, target: Target, headers: Mapping[str, str], provider: str) -> bytes:
    """A request's head but for the length of its body.

    Raises ProviderRejected for a header that cannot be sent.
    """
    key = (method, *headers.items())
    lines = target.heads.get(key)
    if lines is None:
        lines = _lines_of(method, target, headers, provider)
        if len(target.heads) >= MOST_HEADS:
            target.heads.clear()
        target.heads[key] = lines
    return lines


def _lines_of(method: str, target: Target, headers: Mapping[str, str], provider: str) -> bytes:
    lines = [f"{method} {target.path} HTTP/1.1\r\nhost: {target.authority}\r\n"]
    missing = DEFAULTS.copy()
    for name, value in headers.items():
        if not (NAME.fullmatch(name) and value.isprintable()):
            raise ProviderRejected(provider, "a header holds characters that none can have.")
        lowered = name.lower()
        missing.pop(lowered, None)
        if lowered not in OURS:
            lines.append(f"{name}: {value}\r\n")
    lines += [f"{name}: {value}\r\n" for name, value in missing.items()]
    try:
        return "".join(lines).encode("latin-1")
    except UnicodeError:
        said = "a header holds characters that none can have."
        raise ProviderRejected(provider, said) from None
