"""What a key may ask of models, in its stored form, and whether one asks for more than another."""

from collections.abc import Mapping
from dataclasses import fields
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from app.core.auth import KeyRules
from app.core.limits import Limit, TokenLimit

# A key's columns are named as the rules are.
NAMES: Final = tuple(field.name for field in fields(KeyRules))


class Ruled(Protocol):
    """What is read of a stored or a wanted key."""

    models: list[Any] | None
    features: list[Any] | None
    tokens: list[Any]
    concurrency: int | None
    route: str | None
    tags: list[Any]
    tags_fixed: bool
    customer: str | None


def rules_of(key: Ruled) -> KeyRules:
    """A stored key's rules as they are applied."""
    return restored({name: getattr(key, name) for name in NAMES})


def restored(said: Mapping[str, Any]) -> KeyRules:
    """Rules by the names of a key's columns, as they are applied; undoes `stored`."""
    return KeyRules(
        models=None if said["models"] is None else tuple(said["models"]),
        features=None if said["features"] is None else frozenset(said["features"]),
        tokens=tuple(
            TokenLimit(f"key-tokens-{limit['seconds']}s", limit["tokens"], limit["seconds"])
            for limit in said["tokens"]
        ),
        concurrency=said["concurrency"],
        route=said["route"],
        tags=tuple(said["tags"]),
        tags_fixed=said["tags_fixed"],
        customer=said["customer"],
    )


def stored(rules: KeyRules) -> dict[str, Any]:
    """Rules by the names of a key's columns."""
    return {
        "models": None if rules.models is None else list(rules.models),
        "features": None if rules.features is None else sorted(rules.features),
        "tokens": [{"tokens": limit.requests, "seconds": limit.seconds} for limit in rules.tokens],
        "concurrency": rules.concurrency,
        "route": rules.route,
        "tags": list(rules.tags),
        "tags_fixed": rules.tags_fixed,
        "customer": rules.customer,
    }


def inherited(own: KeyRules, wanted: KeyRules) -> KeyRules:
    """What a new key is held to: what is left out is `own`; its tags are always kept."""
    named = {limit.seconds for limit in wanted.tokens}
    return KeyRules(
        models=own.models if wanted.models is None else wanted.models,
        features=own.features if wanted.features is None else wanted.features,
        tokens=(*wanted.tokens, *(limit for limit in own.tokens if limit.seconds not in named)),
        concurrency=own.concurrency if wanted.concurrency is None else wanted.concurrency,
        route=wanted.route or own.route,
        tags=tuple(dict.fromkeys((*own.tags, *wanted.tags))),
        tags_fixed=own.tags_fixed or wanted.tags_fixed,
        customer=wanted.customer or own.customer,
    )


def freer(own: KeyRules, other: KeyRules) -> list[str]:
    """The names of what `other` allows and `own` does not."""
    wrong = {
        "models": not _models_within(own.models, other.models),
        "features": own.features is not None
        and (other.features is None or not other.features <= own.features),
        "tokens": not limits_as_much(own.tokens, other.tokens),
        "concurrency": own.concurrency is not None
        and (other.concurrency is None or other.concurrency > own.concurrency),
        # Budgets go by tags: a key that drops one would spend beside them.
        "tags": not set(own.tags) <= set(other.tags)
        or (own.tags_fixed and set(own.tags) != set(other.tags)),
        "tags_fixed": own.tags_fixed and not other.tags_fixed,
        "customer": own.customer not in (None, other.customer),
    }
    return [name for name, beyond in wrong.items() if beyond]


def _models_within(own: tuple[str, ...] | None, other: tuple[str, ...] | None) -> bool:
    """With `*` as the only wildcard, a pattern that matches a pattern's text covers all of it."""
    if own is None:
        return True
    return other is not None and all(any(fnmatchcase(each, mine) for mine in own) for each in other)


def limits_as_much(own: tuple[Limit, ...], other: tuple[Limit, ...]) -> bool:
    found = {limit.seconds: limit.requests for limit in other}
    return all(found.get(limit.seconds, limit.requests + 1) <= limit.requests for limit in own)
