"""The steps, one after another, whose ends the end of a run has waited for."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from app.automation.runs.places import Place, before, node_id_at
from app.automation.runs.timeline import Laid, seconds_between
from app.automation.runs.timeline_schemas import CriticalStep


def critical_path(laid: Laid, container: str = "") -> list[CriticalStep]:
    """From the first to the last; a container is told by what is within it."""
    ended = [path for path in laid.children.get(container, ()) if laid.end_of(path)]
    if not ended:
        return []
    siblings = _Siblings(laid, ended)
    chain: dict[str, None] = {}
    path: str | None = siblings.last
    while path is not None and path not in chain:
        chain[path] = None
        path = siblings.awaited_by(path)
    return [step for each in reversed(chain) for step in _told(laid, each)]


def _told(laid: Laid, path: str) -> list[CriticalStep]:
    if laid.children.get(path):
        return critical_path(laid, path)
    spans, start = laid.spans[path], laid.start_of(path)
    end = spans[-1].ended_at or laid.now
    return [
        CriticalStep(
            path=path,
            node_id=spans[0].node_id,
            node_type=spans[0].node_type,
            from_=start,
            to=end,
            seconds=seconds_between(start, end),
        )
    ]


class _Siblings:
    """What one container holds, by ends."""

    def __init__(self, laid: Laid, paths: Sequence[str]) -> None:
        self._laid = laid
        self._ends = sorted((end, path) for path in paths if (end := laid.end_of(path)))
        self._beside: dict[str, dict[str, str]] = {}
        for path in paths:
            head, _, step = path.rpartition("/")
            self._beside.setdefault(head, {})[node_id_at(step)] = path

    @property
    def last(self) -> str:
        return self._ends[-1][1]

    def awaited_by(self, path: str) -> str | None:
        """What this one comes after: of the nodes before it the one that ended last.

        Of the first of an iteration, whatever ended last before it began.
        """
        head, _, step = path.rpartition("/")
        node_id = node_id_at(step)
        place = self._laid.places.get(node_id)
        if place is None:
            return None
        kept = _kept_before(place, node_id, self._beside[head])
        if kept:
            return max(kept, key=lambda each: (self._laid.end_of(each), each))
        if not place.within:
            return None
        at = bisect_right(self._ends, self._laid.start_of(path), key=lambda end: end[0])
        earlier = (each for _, each in reversed(self._ends[:at]) if each != path)
        return next(earlier, None)


def _kept_before(place: Place, node_id: str, beside: Mapping[str, str]) -> list[str]:
    """The nearest nodes before one that are kept: what is computed on the spot takes no time."""
    found, left, seen = [], before(place.scope, node_id), {node_id}
    while left:
        each = left.pop()
        if each in seen:
            continue
        seen.add(each)
        if each in beside:
            found.append(beside[each])
        else:
            left += before(place.scope, each)
    return found
