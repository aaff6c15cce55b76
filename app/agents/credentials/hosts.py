"""Host patterns: where a tool may call, and where a credential may be sent."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field
from yarl import URL

from app.core.schema import Text

PATTERN = (
    r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*(:[0-9]{1,5})?$"
    r"|^\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?$"
)


def _is_narrow(pattern: str) -> str:
    name = pattern.removeprefix("*.").partition(":")[0]
    if pattern.startswith("*.") and "." not in name:
        raise ValueError("`*.` must stand before at least two labels, as in `*.example.com`")
    return pattern.lower()


HostPattern = Annotated[
    Text,
    Field(
        pattern=PATTERN,
        min_length=1,
        max_length=260,
        description="A host (`api.example.com`, any port), a host with its port, "
        "or `*.example.com` for all below it.",
    ),
    AfterValidator(_is_narrow),
]


def permits(patterns: Iterable[str], url: URL) -> bool:
    """Whether one of the patterns matches where this URL leads."""
    host, port = (url.raw_host or "").lower().rstrip("."), url.port
    return any(_matches(pattern, host, port) for pattern in patterns)


def _matches(pattern: str, host: str, port: int | None) -> bool:
    if pattern.startswith("["):
        name, _, rest = pattern[1:].partition("]")
        wanted = rest.removeprefix(":")
    else:
        name, _, wanted = pattern.partition(":")
    if wanted and wanted != str(port):
        return False
    if name.startswith("*."):
        return host.endswith(name[1:]) and len(host) > len(name) - 1
    return host == name
