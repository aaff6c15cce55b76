"""URLs with values put into them: a value is a part of where it stands, and leads nowhere else."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote

from app.automation.language.faults import StepFault

UNFIT: Final = "url_unfit"
_TO_HOST: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def percent_encoded(text: str, but: str = "") -> str:
    """Everything but letters, digits and `-._~` as `%2F` and the like, by UTF-8."""
    return quote(text, safe=but, errors="replace")


def url_of(pieces: Iterable[tuple[str, bool]]) -> str:
    """The URL of texts and of values (True); a value at the very beginning stands as it is.

    Raises StepFault `url_unfit` where a value would lead out of its place: `..` does, encoded too.
    """
    written = ""
    for place, (text, is_value) in enumerate(pieces):
        if place and is_value:
            written += percent_encoded(text, ":" if _TO_HOST.fullmatch(written) else "")
        else:
            written += text
    start = _TO_HOST.match(written)
    path = re.split("[?#]", written[start.end() if start else 0 :], maxsplit=1)[0]
    if any(unquote(step) in (".", "..") for step in path.split("/")):
        raise StepFault(UNFIT, "The URL has a step `.` or `..` in its path: it leads elsewhere.")
    return written
