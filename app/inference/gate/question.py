"""What the gate asks Valkey for one attempt, and what an answer means."""

from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from app.core.clock import now
from app.core.errors import AppError
from app.core.limits import Policy
from app.inference.budgets.rules import BudgetRule
from app.inference.gate.blame import breaker_key
from app.inference.gate.bounds import longest_of
from app.inference.gate.call import OpenCall
from app.inference.gate.errors import (
    AllResting,
    BudgetExceeded,
    CostUnbounded,
    NoCandidateReady,
    PriceUnknown,
    TooManyCalls,
)
from app.inference.gate.records import asked_of, beginning_of, start_of
from app.inference.gate.terms import offers, taking
from app.inference.prices.money import to_dollars
from app.inference.routing.plan import Candidate

BUSY_RETRY_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Wish:
    """One attempt that is to be admitted: `drafts` are the call as it is with each candidate."""

    drafts: list[OpenCall]
    rules: tuple[BudgetRule, ...]
    follows: bool
    keys: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.keys = [rule.key for rule in self.rules]

    @property
    def hard(self) -> bool:
        return any(rule.hard for rule in self.rules)

    @property
    def policies(self) -> tuple[Policy, ...]:
        if self.follows:
            return ()
        terms = self.drafts[0].terms
        return terms.requests + terms.tokens

    def without(self, rules: set[int]) -> "Wish":
        """The same with some budgets left out, by their place from 1."""
        kept = tuple(rule for n, rule in enumerate(self.rules, 1) if n not in rules)
        return replace(self, rules=kept)


def price_up(wish: Wish) -> list[list[int]]:
    """Set what each draft reserves and which counters it falls under; gives those by place."""
    candidates = tuple(draft.candidate for draft in wish.drafts)
    load = wish.drafts[0].load
    unders = []
    for draft, (amount, under) in zip(
        wish.drafts, offers(candidates, wish.rules, load), strict=True
    ):
        draft.reserved = amount
        draft.breaker = breaker_key(draft)
        draft.budgets = tuple([wish.keys[place - 1] for place in under])
        if load.max_output_tokens is None and any(wish.rules[place - 1].hard for place in under):
            draft.most_output = longest_of(draft.candidate, load)
        unders.append(under)
    return unders


def is_bounded(draft: OpenCall, *, hard: bool) -> bool:
    """Whether what it may come to is known: its price, and that its provider bills nothing else."""
    return draft.candidate.price is not None and not (hard and draft.load.extras().hosted)


def question_of(wish: Wish, executor_id: str) -> tuple[bytes, list[bytes]]:
    """The question, and what is attached to it."""
    first = wish.drafts[0]
    unders, hard = price_up(wish), wish.hard
    candidates = [
        [draft.breaker, draft.reserved or 0, int(is_bounded(draft, hard=hard)), under]
        for draft, under in zip(wish.drafts, unders, strict=True)
    ]
    terms = first.terms
    policies: list[Any] = []
    if not wish.follows:
        policies += [orjson.Fragment(policy.wire) for policy in terms.requests]
        policies += [taking(policy, terms.taken) for policy in terms.tokens]
    asked = [
        first.id,
        executor_id,
        first.request_id,
        int(wish.follows),
        policies,
        0 if wish.follows else len(terms.requests),
        terms.slots,
        [
            [key, rule.cap if rule.hard else -1]
            for key, rule in zip(wish.keys, wish.rules, strict=True)
        ],
        candidates,
    ]
    return orjson.dumps(["admit", 0, asked]), attached_to(wish, executor_id)


def attached_to(wish: Wish, executor_id: str) -> list[bytes]:
    """The record of the call's start with each candidate."""
    attached = []
    began = beginning_of(wish.drafts[0], executor_id)
    for draft in wish.drafts:
        draft.head = b"%b,%b" % (began, asked_of(draft.candidate))
        attached.append(b"{%b,%b}" % (draft.head, start_of(draft)))
    return attached


def refusal_of(wish: Wish, answer: list[Any]) -> AppError:
    """Why nothing was taken."""
    kind, _, said = answer
    if kind == "busy":
        _, most = wish.drafts[0].terms.slots[said - 1]
        return TooManyCalls(
            f"At most {most} calls may be under way at once.", retry_after=BUSY_RETRY_SECONDS
        )
    if said[0] == "shut":
        seconds = max(said[1] / 1_000_000, 0.1)
        if said[2]:
            return AllResting(
                f"Every model that could answer limits the rate of requests; the first of them "
                f"may be asked again in {seconds:.0f} seconds.",
                retry_after=seconds,
            )
        return NoCandidateReady(
            f"Every model that could answer has failed lately; the first of them is tried again "
            f"in {seconds:.0f} seconds.",
            retry_after=seconds,
        )
    why, place, settled, reserved, chosen = said
    rule, draft = wish.rules[place - 1], wish.drafts[int(chosen) - 1]
    if why == "price" and draft.candidate.price is not None:
        return CostUnbounded(
            f"Nobody knows how often {draft.candidate.target.endpoint.label} would use its own "
            f"{', '.join(draft.load.extras().hosted)} and what that costs, and the budget "
            f"{rule.budget_id} stands: leave it out, or use a tool of your own."
        )
    if why == "price":
        return PriceUnknown(
            f"Nobody knows a price of {draft.candidate.target.reference}, and the budget "
            f"{rule.budget_id} stands; set a price for the model."
        )
    return _exceeded(rule, draft, int(settled), int(reserved))


def _exceeded(rule: BudgetRule, draft: OpenCall, settled: int, reserved: int) -> BudgetExceeded:
    end = rule.end
    renews = f" It renews at {end.isoformat()}." if end is not None else ""
    return BudgetExceeded(
        f"The budget {rule.budget_id} ({rule.subject}, {rule.window}) allows "
        f"{to_dollars(rule.cap).normalize():f} USD: {to_dollars(settled).normalize():f} are spent, "
        f"{to_dollars(reserved).normalize():f} reserved by calls under way, and this call may come "
        f"to {to_dollars(draft.reserved or 0).normalize():f}.{renews}",
        retry_after=None if end is None else max((end - now()).total_seconds(), 1.0),
    )


def drafts_of(call: OpenCall, candidates: tuple[Candidate, ...]) -> list[OpenCall]:
    """The same call with each candidate."""
    return [call, *[_with(call, other) for other in candidates[1:]]]


def _with(call: OpenCall, candidate: Candidate) -> OpenCall:
    return OpenCall(
        call.payer,
        candidate,
        call.load,
        call.request_id,
        call.attempt,
        call.id,
        call.created_at,
        terms=call.terms,
    )
