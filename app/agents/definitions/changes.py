"""Merge patches of definitions (RFC 7396), and what differs between two of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final, Literal

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """What stands at a JSON pointer before and after; what was or is not there is None."""

    pointer: str
    action: Literal["added", "removed", "replaced"]
    old: Any
    new: Any


def patched(target: Any, patch: Any) -> Any:
    """The target with a merge patch; both stay as they are."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = patched(merged.get(name), value)
    return merged


def patched_definition(definition: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a definition: a pattern of another type has nothing of the one before it.

    Nulls take fields away, so that they have their defaults again.
    """
    wanted, old = patch.get("pattern"), definition.get("pattern")
    if (
        isinstance(wanted, Mapping)
        and isinstance(old, Mapping)
        and wanted.get("type", old.get("type")) != old.get("type")
    ):
        definition = {**definition, "pattern": None}
    result: dict[str, Any] = patched(definition, patch)
    return result


def differences(old: Any, new: Any, pointer: str = "") -> Iterator[Change]:
    """In the order of the pointers; of lists item by item."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            step = str(name).replace("~", "~0").replace("/", "~1")
            yield from _between(old.get(name, _ABSENT), new.get(name, _ABSENT), f"{pointer}/{step}")
    elif isinstance(old, list) and isinstance(new, list):
        for index, (before, after) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _between(before, after, f"{pointer}/{index}")
    elif old != new or type(old) is not type(new):
        yield Change(pointer, "replaced", old, new)


def _between(old: Any, new: Any, pointer: str) -> Iterator[Change]:
    if old is _ABSENT:
        yield Change(pointer, "added", None, new)
    elif new is _ABSENT:
        yield Change(pointer, "removed", old, None)
    else:
        yield from differences(old, new, pointer)
