"""Everything that can be suggested about a dictionary's entries, some of them at a time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.knowledge.detection.suggestions import duplicates
from app.knowledge.detection.suggestions.fields import Fields
from app.knowledge.detection.suggestions.items import Item, Suggested
from app.knowledge.detection.suggestions.nearness import Nearness

if TYPE_CHECKING:
    import numpy


class Comparison:
    """Without `vectors`, words and terms speak alone."""

    def __init__(self, items: Sequence[Item], vectors: "Sequence[numpy.ndarray] | None") -> None:
        self._items = items
        self._places = {item: place for place, item in enumerate(items)}
        self._fields = Fields(items)
        self._terms = duplicates.Terms(items)
        self._near = Nearness(items, vectors) if vectors else None

    def suggest(self, start: int, end: int) -> list[Suggested]:
        """About the entries from `start` to `end`. For a thread: about a millisecond an entry."""
        items = self._items[start:end]
        near = self._near.of(start, end) if self._near else [[] for _ in items]
        found: list[Suggested] = []
        for place, (item, around) in enumerate(zip(items, near, strict=True), start):
            found += self._fields.suggest(item, around)
            sharing = self._terms.sharing(item)
            known = dict(around)
            if self._near is not None:
                for other in sharing:
                    if other not in known:
                        known[other] = self._near.between(place, self._places[other])
            found += duplicates.suggest(item, sharing, known.items())
        return found
