"""URLs with values put into them: a value is a part of where it stands, and leads nowhere else."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote

from app.automation.language.faults import StepFault

UNFIT: Final = "url_unfit"
_TO_HOST: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_BEHIND_HOST: Final = re.compile(r"[./?#]")


def percent_encoded(text: str, but: str = "") -> str:
    """Everything but letters, digits and `-._~` as `%2F` and the like, by UTF-8."""
    return quote(text, safe=but, errors="replace")


def url_of(pieces: Iterable[tuple[str, bool]]) -> str:
    """The URL of texts and of values (True); a value at the very beginning stands as it is.

    Raises StepFault `url_unfit` where a value would lead out of its place: `..` does, encoded too,
    and behind the name of a host what makes it another.
    """
    written, was_value = "", False
    for place, (text, is_value) in enumerate(pieces):
        if not (place and is_value):
            written += text
        elif _TO_HOST.fullmatch(written):
            is_behind = written[-1].isalnum() or (was_value and written[-1] != "/")
            written += _of_host(text, is_behind=is_behind)
        else:
            written += percent_encoded(text)
        was_value = is_value
    start = _TO_HOST.match(written)
    path = re.split("[?#]", written[start.end() if start else 0 :], maxsplit=1)[0]
    if any(unquote(step) in (".", "..") for step in path.split("/")):
        raise StepFault(UNFIT, "The URL has a step `.` or `..` in its path: it leads elsewhere.")
    return written


def _of_host(text: str, *, is_behind: bool) -> str:
    """A part of the host's name, in letters of any language, or its port."""
    if is_behind and _BEHIND_HOST.search(text):
        said = "A value right behind a host's name would make another of it: write a `/` between."
        raise StepFault(UNFIT, said)
    return "".join(each if each.isalpha() else percent_encoded(each, ":") for each in text)
