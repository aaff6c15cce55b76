"""Where a run's time went: per attempt, and by container."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from app.automation.runs.places import Place, container_of, node_id_at
from app.automation.runs.timeline_crud import Pause, Span
from app.automation.runs.timeline_schemas import (
    TimelineAttempt,
    TimelineNode,
    TimelineTotals,
)

# What the engine calls the wait before another attempt, which `retry_at` tells of.
RETRY: Final = "~retry"
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Laid:
    """The spans of a run by path, and which path holds which."""

    spans: Mapping[str, Sequence[Span]]
    pauses: Mapping[str, Mapping[int, Sequence[Pause]]]
    children: Mapping[str, Sequence[str]]
    places: Mapping[str, Place]
    now: datetime

    def end_of(self, path: str) -> datetime | None:
        """When what stands there ended, or now; None where it has only waited so far."""
        if spans := self.spans.get(path):
            return spans[-1].ended_at or self.now
        ends = [self.end_of(child) for child in self.children.get(path, ())]
        return max(filter(None, ends), default=None)

    def start_of(self, path: str) -> datetime:
        """When what stands there was ready, or began to wait."""
        began = [pause.began_at for each in self.pauses.get(path, {}).values() for pause in each]
        began += [span.ready_at or span.started_at for span in self.spans.get(path, ())]
        began += [self.start_of(child) for child in self.children.get(path, ())]
        return min(began)


def laid_out(
    spans: Sequence[Span], pauses: Sequence[Pause], places: dict[str, Place], now: datetime
) -> Laid:
    """`now` stands in for the ends that are still to come."""
    by_path: dict[str, list[Span]] = {}
    waits: dict[str, dict[int, list[Pause]]] = {}
    children: dict[str, dict[str, None]] = {}
    for span in spans:
        by_path.setdefault(span.path, []).append(span)
    for pause in pauses:
        if not pause.path.endswith(RETRY):
            waits.setdefault(pause.path, {}).setdefault(pause.attempt, []).append(pause)
    for path in {**by_path, **waits}:
        _hang(path, children)
    for found in by_path.values():
        found.sort(key=lambda span: span.attempt)
    held = {path: list(within) for path, within in children.items()}
    return Laid(by_path, waits, held, places, now)


def _hang(path: str, children: dict[str, dict[str, None]]) -> None:
    """Put a path under its container, and that under its own, as far as they are not yet."""
    while path:
        container = container_of(path)
        siblings = children.setdefault(container, {})
        if path in siblings:
            return
        siblings[path] = None
        path = container


def nodes_of(laid: Laid, container: str = "") -> list[TimelineNode]:
    """What a container holds, by the beginning."""
    nodes = [_node(laid, path) for path in laid.children.get(container, ())]
    return sorted(nodes, key=_began)


def _node(laid: Laid, path: str) -> TimelineNode:
    spans, waits = laid.spans.get(path, ()), laid.pauses.get(path, {})
    attempts = [_attempt(laid, span) for span in spans]
    known = {span.attempt for span in spans}
    attempts += [_waiting(waits[each][0], laid.now) for each in waits if each not in known]
    node_id = node_id_at(path.rpartition("/")[2])
    place = laid.places.get(node_id)
    return TimelineNode(
        path=path,
        node_id=node_id,
        node_type=spans[0].node_type if spans else place.node.type if place else "",
        attempts=attempts,
        children=nodes_of(laid, path),
    )


def _began(node: TimelineNode) -> datetime:
    own = [each.ready_at or each.started_at for each in node.attempts]
    return min([*own, *(_began(child) for child in node.children)])


def _attempt(laid: Laid, span: Span) -> TimelineAttempt:
    ended = span.ended_at or laid.now
    pauses = laid.pauses.get(span.path, {}).get(span.attempt, ())
    # A process that goes on after a pause begins the step anew; it had begun with its wait.
    began = min([span.started_at, *(pause.began_at for pause in pauses)])
    waited = sum(
        seconds_between(each.began_at, min(each.ended_at or ended, ended)) for each in pauses
    )
    delay = (
        seconds_between(span.ended_at, span.retry_at) if span.ended_at and span.retry_at else 0.0
    )
    ready = min(span.ready_at or began, began)
    return TimelineAttempt(
        step_id=span.id,
        attempt=span.attempt,
        status=span.status,
        ready_at=ready,
        started_at=began,
        ended_at=span.ended_at,
        retry_at=span.retry_at,
        queue_seconds=seconds_between(ready, began),
        run_seconds=round(max(0.0, seconds_between(began, ended) - waited), _DIGITS),
        wait_seconds=round(waited + delay, _DIGITS),
        copied=span.copied,
    )


def _waiting(pause: Pause, now: datetime) -> TimelineAttempt:
    """An attempt of which nothing is kept but that it waits."""
    return TimelineAttempt(
        step_id=None,
        attempt=pause.attempt,
        status="waiting",
        ready_at=pause.began_at,
        started_at=pause.began_at,
        ended_at=None,
        retry_at=None,
        queue_seconds=0.0,
        run_seconds=0.0,
        wait_seconds=seconds_between(pause.began_at, pause.ended_at or now),
        copied=False,
    )


def seconds_between(start: datetime, end: datetime) -> float:
    """Never less than nothing: the clocks of two processes may differ."""
    return round(max(0.0, (end - start).total_seconds()), _DIGITS)


@dataclass(slots=True)
class _Sums:
    attempts: int = 0
    retries: int = 0
    copied: int = 0
    queue: float = 0.0
    run: float = 0.0
    wait: float = 0.0
    costs: list[Decimal | None] = field(default_factory=list)


def totals_of(laid: Laid, nodes: Sequence[TimelineNode]) -> TimelineTotals:
    """Copied attempts count as such and with nothing else: their time was another run's."""
    sums = _Sums()
    _add(sums, nodes)
    own = [span for spans in laid.spans.values() for span in spans if not span.copied]
    costs = [span.cost_usd for span in own]
    return TimelineTotals(
        attempts=sums.attempts,
        retries=sums.retries,
        copied=sums.copied,
        queue_seconds=round(sums.queue, _DIGITS),
        run_seconds=round(sums.run, _DIGITS),
        wait_seconds=round(sums.wait, _DIGITS),
        cost_usd=None if None in costs else sum(filter(None, costs), Decimal(0)),
    )


def _add(sums: _Sums, nodes: Sequence[TimelineNode]) -> None:
    for node in nodes:
        if node.children:
            _add(sums, node.children)
            continue
        for each in node.attempts:
            if each.copied:
                sums.copied += 1
                continue
            sums.attempts += 1
            sums.retries += each.attempt > 0
            sums.queue += each.queue_seconds
            sums.run += each.run_seconds
            sums.wait += each.wait_seconds
