"""What a call would hold with each of its candidates, by the budgets that it falls under."""

from dataclasses import dataclass
from typing import Final

import orjson

from app.inference.budgets.rules import BudgetRule
from app.inference.gate.blame import breaker_key
from app.inference.gate.bounds import longest_of, most_beyond
from app.inference.gate.call import OpenCall
from app.inference.gate.terms import reservation
from app.inference.routing.plan import Candidate

MOST_KEPT: Final = 1000


@dataclass(slots=True, eq=False)
class Ruled:
    """Budgets made ready for the question: what of them is the same for every call.

    `wire` is how the gate's script is told of them, `places` are their places from 1, `narrow` says
    that one of them is about some models only.
    """

    rules: tuple[BudgetRule, ...]
    keys: tuple[str, ...]
    wire: orjson.Fragment
    places: list[int]
    hard: bool
    narrow: bool

    def under(self, candidate: Candidate) -> list[int]:
        """The places of those that a candidate's calls count under."""
        if not self.narrow:
            return self.places
        reference = candidate.target.reference
        return [n for n, rule in enumerate(self.rules, 1) if rule.covers(reference)]


@dataclass(slots=True, eq=False)
class Offer:
    """`reserved` is in nano-dollars, None where nothing is; the rest is as in an OpenCall.

    `bounded` is false where nobody knows what the call may come to.
    """

    candidate: Candidate
    reserved: int | None
    under: list[int]
    budgets: tuple[str, ...]
    breaker: str
    most_output: int | None
    bounded: bool


_ready: dict[int, Ruled] = {}


def ready(rules: tuple[BudgetRule, ...]) -> Ruled:
    """The rules made ready, once as long as the same ones are given again."""
    found = _ready.get(id(rules))
    if found is None or found.rules is not rules:
        if len(_ready) >= MOST_KEPT:
            _ready.clear()
        # It keeps the rules alive, so that nothing else comes to their place in memory.
        found = _ready[id(rules)] = _made_ready(rules)
    return found


def _made_ready(rules: tuple[BudgetRule, ...]) -> Ruled:
    wire = orjson.dumps([[rule.key, rule.cap if rule.hard else -1] for rule in rules])
    return Ruled(
        rules,
        tuple([rule.key for rule in rules]),
        orjson.Fragment(wire),
        list(range(1, len(rules) + 1)),
        any(rule.hard for rule in rules),
        any(rule.models for rule in rules),
    )


def offers_of(call: OpenCall, candidates: tuple[Candidate, ...], ruled: Ruled) -> list[Offer]:
    """What the call would hold with each of them."""
    load, workspace_id = call.load, call.payer.workspace_id
    extras = load.extras() if ruled.rules else None
    unbounded = extras is not None and ruled.hard and bool(extras.hosted)
    is_open = load.max_output_tokens is None
    found: list[Offer] = []
    amounts: dict[tuple[int, int, int], int] = {}
    for candidate in candidates:
        price = candidate.price
        under = ruled.under(candidate)
        reserved = most_output = None
        if under and extras is not None:
            longest = longest_of(candidate, load)
            if price is not None:
                key = (id(price), most_beyond(candidate, extras), longest)
                reserved = amounts.get(key)
                if reserved is None:
                    reserved = amounts[key] = reservation(price, load, key[1], longest)
            if is_open and any(ruled.rules[place - 1].hard for place in under):
                most_output = longest
        found.append(
            Offer(
                candidate,
                reserved,
                under,
                ruled.keys if under is ruled.places else _keys(ruled, under),
                breaker_key(workspace_id, candidate),
                most_output,
                price is not None and not unbounded,
            )
        )
    return found


def _keys(ruled: Ruled, under: list[int]) -> tuple[str, ...]:
    return tuple([ruled.keys[place - 1] for place in under])
