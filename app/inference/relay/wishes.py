"""What a client says in our own headers, beside the request of its vendor's client."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.auth import KeyRules
from app.core.errors import BadRequest, PermissionDenied

TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/=-]{0,63}")
MOST_TAGS: Final = 16
MOST_CHARACTERS: Final = 256
MOST_SECONDS: Final = 3600.0
WISHING: Final = frozenset(
    {
        b"x-customer-id", b"x-luminous-cache", b"x-luminous-route", b"x-luminous-tags",
        b"x-luminous-timeout",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wishes:
    """`timeout` is of the whole call, in seconds; `route` a route or a model, by name.

    `cache` is what is asked of the response cache.
    """

    tags: tuple[str, ...] = ()
    customer: str | None = None
    route: str | None = None
    timeout: float | None = None
    cache: str | None = None


NONE: Final = Wishes()


class NotOfThisKey(PermissionDenied):
    """A header names a customer or tags, and the API key has its own for good."""

    code = "not_of_this_key"
    title = "The API key says for whom its calls are"


def read_wishes(headers: Mapping[bytes, bytes]) -> Wishes:
    """Raises BadRequest, naming the header."""
    if WISHING.isdisjoint(headers):
        return NONE
    found = {
        name: value.decode("latin-1").strip() for name, value in headers.items() if name in WISHING
    }
    return Wishes(
        _tags(found.get(b"x-luminous-tags", "")),
        _name(found, b"x-customer-id"),
        _name(found, b"x-luminous-route"),
        _seconds(found.get(b"x-luminous-timeout")),
        _name(found, b"x-luminous-cache"),
    )


def expect_own(rules: KeyRules, wishes: Wishes) -> None:
    """Raise NotOfThisKey for a customer or a tag that the key does not leave to its requests."""
    if rules.customer is not None and wishes.customer not in (None, rules.customer):
        raise NotOfThisKey("X-Customer-Id: the API key's calls are all for one other customer.")
    if rules.tags_fixed and not set(wishes.tags) <= set(rules.tags):
        raise NotOfThisKey("X-Luminous-Tags: the API key's calls have its own tags and no others.")


def _tags(text: str) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))
    if len(tags) > MOST_TAGS or not all(TAG.fullmatch(tag) for tag in tags):
        raise BadRequest(
            f"X-Luminous-Tags: at most {MOST_TAGS} labels of 1 to 64 letters, digits and _.:/=- "
            "each, with commas between them."
        )
    return tags


def _name(found: dict[bytes, str], header: bytes) -> str | None:
    value = found.get(header)
    if value and len(value) > MOST_CHARACTERS:
        raise BadRequest(f"{header.decode()}: at most {MOST_CHARACTERS} characters.")
    return value or None


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        raise BadRequest(f"X-Luminous-Timeout: seconds, more than 0 and at most {MOST_SECONDS:g}.")
    return seconds
