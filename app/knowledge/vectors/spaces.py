"""Names of Qdrant's collections for spaces: two spaces never share one."""

import hashlib
import re
from typing import Final

PREFIX: Final = "passages_"
_HASHED: Final = PREFIX + "_"  # no escape begins with two underscores
_LONGEST: Final = 200  # Qdrant takes 255 characters, and folders no more


def collection_of(space: str) -> str:
    """The collection of a space: small letters, digits, `.` and `-` stand, all else is escaped.

    Capitals are escaped, too: the folders of some systems do not tell them from small ones. What
    gets too long for a name is told by its checksum.
    """
    name = PREFIX + re.sub(r"[^a-z0-9.-]", _escaped, space)
    if len(name) <= _LONGEST:
        return name
    return _HASHED + hashlib.sha256(space.encode()).hexdigest()


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"_{byte:02x}" for byte in match[0].encode())
