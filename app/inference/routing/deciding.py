"""From a route and a question to an order: what planning does, and what explaining tells of."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.inference.prices.money import NANO
from app.inference.routing.adaptive.arms import Arm, Posterior
from app.inference.routing.adaptive.choice import rank_by_learning
from app.inference.routing.entry import Entry
from app.inference.routing.errors import ModelNotAllowed, NoCandidate
from app.inference.routing.plan import Passed, Plan
from app.inference.routing.pool import Pool
from app.inference.routing.spec import RouteSpec
from app.inference.routing.strategies import Place, Situation, cost_of, rank

NO_BELIEFS: Mapping[str, Posterior] = {}


@dataclass(slots=True)
class Decision:
    """`places` in order, each with its `Entry` by the same index in `entries`."""

    spec: RouteSpec
    pool: Pool
    places: list[Place]
    passed: tuple[Passed, ...]
    beliefs: Mapping[str, Posterior]
    category: str | None = None

    @property
    def order(self) -> tuple[Entry, ...]:
        entries = self.pool.entries
        return tuple([entries[place[4]] for place in self.places])

    def plan(self) -> Plan:
        """What is done; raises NoCandidate, or ModelNotAllowed where that is the one reason."""
        entries, spec = self.pool.entries, self.spec
        if not self.places:
            if self.passed and all(one.code == "not_allowed" for one in self.passed):
                raise ModelNotAllowed(spec.slug)
            if not self.pool.overflow:
                raise NoCandidate(spec.slug, self.passed)
        overflow = tuple([entry.candidate for entry in self.pool.overflow])
        chosen = tuple([entries[place[4]].candidate for place in self.places])
        return Plan(
            candidates=chosen or overflow,
            route=spec.slug,
            route_id=str(spec.id) if spec.id else None,
            strategy=spec.strategy,
            category=self.category,
            passed=self.passed,
            on_overflow=overflow if chosen else (),
            failover=spec.failover,
        )


def decide(
    spec: RouteSpec,
    pool: Pool,
    situation: Situation,
    category: str | None,
    arms: Mapping[str, Arm],
) -> Decision:
    """Order what fits the request; `arms` is what an adaptive route knows of its category."""
    entries, passed = _fitting(pool, situation)
    if spec.constraints.max_cost is not None:
        entries, passed = _affordable(entries, passed, situation, spec.constraints.max_cost)
    if spec.strategy == "adaptive" and entries:
        places, beliefs = rank_by_learning(entries, situation, arms, spec.learning)
        return Decision(spec, pool, places, passed, beliefs, category)
    places = rank(spec.strategy, entries, situation) if entries else []
    return Decision(spec, pool, places, passed, NO_BELIEFS, category)


def _fitting(pool: Pool, situation: Situation) -> tuple[tuple[Entry, ...], tuple[Passed, ...]]:
    """Those whose context is long enough.

    The length is an estimate: where nobody's is enough, those for an overflow are asked, and where
    there is none the ones with the longest.
    """
    question = situation.question
    needed = question.input_tokens + (question.max_output_tokens or 0)
    if needed <= pool.shortest:
        return pool.entries, pool.passed
    fitting = tuple(e for e in pool.entries if (e.facts.context or needed) >= needed)
    if not fitting and not pool.overflow:
        longest = max(entry.facts.context or 0 for entry in pool.entries)
        fitting = tuple(e for e in pool.entries if e.facts.context == longest)
    short = tuple(
        Passed(
            entry.reference,
            "context_too_small",
            f"it reads {entry.facts.context} tokens, and the request has about {needed}",
        )
        for entry in pool.entries
        if entry not in fitting
    )
    return fitting, pool.passed + short


def _affordable(
    entries: tuple[Entry, ...], passed: tuple[Passed, ...], situation: Situation, most: int
) -> tuple[tuple[Entry, ...], tuple[Passed, ...]]:
    costs = [(entry, cost_of(entry, situation)) for entry in entries]
    dear = tuple(
        Passed(
            entry.reference,
            "over_price",
            f"it is expected to cost ${(cost or 0) / NANO:.6f}, and the limit is ${most / NANO:g}",
        )
        for entry, cost in costs
        if cost is None or cost > most
    )
    return tuple(e for e, cost in costs if cost is not None and cost <= most), passed + dear
