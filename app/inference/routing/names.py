"""Patterns of models: `openai/gpt-*`, `gpt-5*`, or a plain name."""

import re
from fnmatch import translate
from functools import lru_cache

# What a caller may use: each of these groups of patterns must have one that fits.
Allowed = tuple[tuple[str, ...], ...]


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


def is_pattern(name: str) -> bool:
    return "*" in name


def fits(pattern: str, slug: str, model: str) -> bool:
    """Whether a pattern means the model of the integration with that slug.

    It is held against `<slug>/<model>` and against the model's own name. Only `*` is special.
    """
    if not is_pattern(pattern):
        return pattern in (model, f"{slug}/{model}")
    matcher = _compiled(pattern.replace("[", "[[]").replace("?", "[?]"))
    return bool(matcher.match(model) or matcher.match(f"{slug}/{model}"))


def allows(allowed: Allowed, slug: str, model: str) -> bool:
    """Whether every group has a pattern for the model; its options after a `?` do not count."""
    plain = model.partition("?")[0]
    return all(any(fits(one, slug, plain) for one in group) for group in allowed)


def allows_route(allowed: Allowed, slug: str) -> bool:
    """Whether every group names the route, so that all its candidates may be used."""
    return all(any(_names(one, slug) for one in group) for group in allowed)


def _names(pattern: str, slug: str) -> bool:
    if not is_pattern(pattern):
        return pattern == slug
    return bool(_compiled(pattern.replace("[", "[[]").replace("?", "[?]")).match(slug))
