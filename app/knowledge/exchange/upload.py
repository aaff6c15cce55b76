"""A file that was sent."""

from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True, slots=True)
class Upload:
    """`file` is a real one, which goes with the request."""

    file: IO[bytes]
    name: str
    media_type: str
    size: int
    sha256: str
