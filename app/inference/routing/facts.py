"""What is known of a model: what it can do, how much it reads, when it goes."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from app.inference.catalog.capabilities import capabilities_of
from app.inference.prices.listed import find_model

# Kinds whose models are all known: what no pattern says of one of them it cannot do.
KNOWN_KINDS = frozenset({"openai", "anthropic", "gemini", "azure"})
_FILES = re.compile(r"claude|gemini|gpt-4o|gpt-4\.1|gpt-5|^o[134]")
_AUDIO = re.compile(r"gemini|audio|realtime|voxtral")
# The makers' own words for a model that is made to be quick.
_SMALL = re.compile(
    r"mini|nano|flash|haiku|lite|small|instant|turbo|\b[1-9]b\b|-8b|-7b|-3b|-1b|edge|micro|fast"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Capabilities that neither `can` nor `cannot` names are unknown. `context` is in tokens."""

    can: frozenset[str]
    cannot: frozenset[str]
    context: int | None
    small: bool


# Of OpenAI's models, whose listing says nothing of it, those that write less than others.
_SHORT: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"^gpt-3\.5|^gpt-4-(turbo|\d{4}-preview|vision)|^gpt-4o-2024-05-13"), 4096),
    (re.compile(r"^gpt-4(-\d{4})?$"), 8192),
)


def longest_answer(model: str, listed: object) -> int | None:
    """The most tokens that a model writes: by its provider's listing, else by its name."""
    if isinstance(listed, int) and listed > 0:
        return listed
    name = model.lower().rpartition("/")[2]
    return next((most for pattern, most in _SHORT if pattern.search(name)), None)


@lru_cache(maxsize=8192)
def facts_of(kind: str, model: str, listed_context: int | None) -> Facts:
    """By the model's name; its provider's own word on the context goes before the price list's."""
    known = capabilities_of(kind, model)
    name = model.lower().rpartition("/")[2]
    silent = False if kind in KNOWN_KINDS or kind == "demo" else None
    says: dict[str, bool | None] = {
        "vision": known.vision,
        "tools": known.tools,
        "reasoning": known.reasoning,
        "structured_output": known.structured_output,
        "files": True if kind != "demo" and _FILES.search(name) else silent,
        "audio": True if kind != "demo" and _AUDIO.search(name) else silent,
    }
    priced = find_model(kind, model)
    return Facts(
        can=frozenset(what for what, able in says.items() if able),
        cannot=frozenset(what for what, able in says.items() if able is False),
        context=listed_context or (priced.context_window if priced else None),
        small=_SMALL.search(name) is not None,
    )


def retired(retires_at: str | None, moment: datetime) -> bool:
    """Whether a model's shutdown (ISO 8601) is past; one that cannot be read is not."""
    if not retires_at:
        return False
    try:
        day = datetime.fromisoformat(retires_at)
    except ValueError:
        return False
    return (day if day.tzinfo else day.replace(tzinfo=moment.tzinfo)) <= moment
