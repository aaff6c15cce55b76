"""Merging what two sides say of an entry: three-way, field by field.

A side that has changed nothing since the two last had something in common gives way. Where both
have changed a field, a strategy decides; each that decides the same on both sides, or is used in
turns, makes them alike in the end.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from app.knowledge.exchange.sync.state import State

Strategy = Literal["ours", "theirs", "newest", "manual"]
Side = Literal["ours", "theirs"]
# The "field" of an entry's being there at all.
PRESENCE: Final = "*"


@dataclass(frozen=True, slots=True)
class Link:
    """What this side remembers of the other's entry; the numbers are those of bundles.

    `known` is the state of theirs that was merged last, which their bundle `their_sequence`
    brought. They had merged our bundle `base_sequence` then, and we had made `merged_at`.
    """

    known: State | None = None
    their_sequence: int = 0
    base_sequence: int = 0
    merged_at: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """An entry in a bundle. `base` is the receiver's state that its sender had merged last.

    That was out of the receiver's bundle `base_sequence`; 0 if there was none.
    """

    sequence: int
    base_sequence: int
    base: State | None
    state: State | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that both sides have changed, and who has it; `open` where nobody decided."""

    field: str
    base: Any
    ours: Any
    theirs: Any
    resolution: Literal["ours", "theirs", "open"]


@dataclass(frozen=True, slots=True)
class Merged:
    state: State | None
    conflicts: tuple[Conflict, ...] = ()

    @property
    def is_open(self) -> bool:
        return any(each.resolution == "open" for each in self.conflicts)


@dataclass(frozen=True, slots=True)
class Decider:
    """Who has a field that both have changed. `chosen` are single decisions, by field."""

    strategy: Strategy
    ours_changed_at: datetime
    theirs_changed_at: datetime
    chosen: Mapping[str, Side]

    def decide(self, field: str, ours: Any, theirs: Any) -> Literal["ours", "theirs", "open"]:
        if field in self.chosen:
            return self.chosen[field]
        if self.strategy == "newest":
            mine = (self.ours_changed_at, _written(ours))
            return "ours" if mine > (self.theirs_changed_at, _written(theirs)) else "theirs"
        return "open" if self.strategy == "manual" else self.strategy


def is_known(link: Link | None, item: Item) -> bool:
    """Whether an item, or a later one, has been merged: a replay changes nothing."""
    return link is not None and item.sequence <= link.their_sequence


def merge(link: Link | None, item: Item, ours: State | None, decider: Decider) -> Merged:
    """What an entry is to be here."""
    bases = _bases(link, item)
    theirs = item.state
    if ours is None or theirs is None:
        return _presence(bases, ours, theirs, decider)
    state: State = {}
    conflicts = []
    for field in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(field), theirs.get(field)
        known = [(base or {}).get(field) for base in bases]
        side, conflict = _side(field, known, mine, other, decider)
        if conflict is not None:
            conflicts.append(conflict)
        value = mine if side == "ours" else other
        if value is not None:
            state[field] = value
    return Merged(state, tuple(conflicts))


def _bases(link: Link | None, item: Item) -> Sequence[State | None]:
    """The last states that both sides come from: one, or two where bundles have crossed."""
    if link is None or item.base_sequence > link.merged_at:
        return (item.base,)
    if item.base_sequence <= link.base_sequence:
        return (link.known,)
    return (item.base, link.known)


def _side(
    field: str, known: Sequence[Any], mine: Any, other: Any, decider: Decider
) -> tuple[Literal["ours", "theirs", "open"], Conflict | None]:
    if mine == other or (other in known and mine not in known):
        return "ours", None
    if mine in known and other not in known:
        return "theirs", None
    side = decider.decide(field, mine, other)
    return side, Conflict(field, known[0], mine, other, side)


def _presence(
    bases: Sequence[State | None], ours: State | None, theirs: State | None, decider: Decider
) -> Merged:
    """One side or both have no such entry, or have deleted it."""
    if ours is None and all(base is None for base in bases):
        return Merged(theirs)
    side, conflict = _side(PRESENCE, bases, ours, theirs, decider)
    state = ours if side in ("ours", "open") else theirs
    return Merged(state, (conflict,) if conflict else ())


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
