"""The sentences of an explanation: why a candidate stands where it stands."""

from app.inference.prices.money import NANO
from app.inference.routing.deciding import Decision
from app.inference.routing.entry import Entry
from app.inference.routing.strategies import LAST, SPREADING, Place, Situation, cost_of


def score_of(place: Place) -> float | None:
    """The score of a place, None where it is no number that says something."""
    score = place[2]
    return None if abs(score) >= LAST else round(score, 9)


def reason_behind(
    decision: Decision, place: Place, first: Place, situation: Situation
) -> tuple[str, str]:
    """The code and the sentence why a candidate comes after the first one."""
    if place[0] and not first[0]:
        return "capability_unknown", "nobody knows whether it can do what the request needs"
    if place[1] and not first[1]:
        return "failing", "most of its recent calls have failed"
    entries = decision.pool.entries
    mine, theirs = (told(decision, entries[one[4]], situation) for one in (place, first))
    return "lower_score", f"{mine}; the first one: {theirs}"


def told(decision: Decision, entry: Entry, situation: Situation) -> str:
    """What the strategy sees in a candidate, with its numbers."""
    strategy = decision.spec.strategy
    if strategy in SPREADING and situation.sticky and situation.question.sticky is not None:
        return f"the conversation's own draw, by weight {entry.candidate.weight:g}"
    return _SEEN[strategy](decision, entry, situation)


def _by_order(_decision: Decision, entry: Entry, _situation: Situation) -> str:
    return f"number {entry.index + 1} of the route"


def _by_weight(decision: Decision, entry: Entry, _situation: Situation) -> str:
    entries = decision.pool.entries
    whole = sum(entries[place[4]].candidate.weight for place in decision.places)
    weight = entry.candidate.weight
    return f"drawn for {weight / whole if whole else 0:.0%} of the requests (weight {weight:g})"


def _by_load(_decision: Decision, entry: Entry, situation: Situation) -> str:
    load = situation.board.of(entry.deployment).load
    return f"{load} calls in flight at weight {entry.candidate.weight:g}"


def _by_latency(_decision: Decision, entry: Entry, situation: Situation) -> str:
    known = situation.board.of(entry.deployment).first_token_ms
    return "its latency is not known yet" if known is None else f"{known:.0f} ms to the first token"


def _by_cost(_decision: Decision, entry: Entry, situation: Situation) -> str:
    cost = cost_of(entry, situation)
    return "no price is known" if cost is None else f"${cost / NANO:.6f} expected"


def _by_quality(decision: Decision, entry: Entry, situation: Situation) -> str:
    quality = "none given" if entry.quality is None else f"{entry.quality:g}"
    return f"quality {quality}, {_by_cost(decision, entry, situation)}"


def _by_fit(_decision: Decision, entry: Entry, situation: Situation) -> str:
    spare = sorted(entry.facts.can - situation.question.needs)
    context = entry.facts.context
    reads = f"reads {context} tokens" if context else "a context nobody knows"
    return f"{len(spare)} abilities more than needed ({', '.join(spare) or 'none'}), {reads}"


def _by_belief(decision: Decision, entry: Entry, _situation: Situation) -> str:
    belief = decision.beliefs[entry.deployment]
    return f"mean reward {belief.mean:.3f} ± {belief.deviation:.3f} at {decision.category}"


_SEEN = {
    "ordered": _by_order,
    "weighted": _by_weight,
    "sticky": _by_weight,
    "least_busy": _by_load,
    "lowest_latency": _by_latency,
    "lowest_cost": _by_cost,
    "quality_within_price": _by_quality,
    "capability": _by_fit,
    "adaptive": _by_belief,
}
