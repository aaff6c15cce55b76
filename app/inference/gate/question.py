"""What the gate asks Valkey for one attempt, and what an answer means."""

from typing import Any

import orjson

from app.core.clock import now
from app.core.errors import AppError
from app.core.limits import Policy
from app.inference.budgets.rules import BudgetRule
from app.inference.gate.call import OpenCall
from app.inference.gate.errors import (
    AllResting,
    BudgetExceeded,
    CostUnbounded,
    NoCandidateReady,
    PriceUnknown,
    TooManyCalls,
)
from app.inference.gate.offers import Offer, offers_of, ready
from app.inference.gate.records import asked_of, beginning_of, started
from app.inference.gate.terms import taking
from app.inference.prices.money import to_dollars
from app.inference.routing.plan import Candidate

BUSY_RETRY_SECONDS = 1.0


class Wish:
    """One attempt that is to be admitted, at the first of its candidates that may be asked.

    `call` is as it is with the one that was `take`n, which is the first until then.
    """

    __slots__ = ("_began", "call", "candidates", "follows", "offers", "ruled")

    def __init__(
        self,
        call: OpenCall,
        candidates: tuple[Candidate, ...],
        rules: tuple[BudgetRule, ...],
        executor_id: str,
        *,
        follows: bool,
    ) -> None:
        self.call = call
        self.candidates = candidates
        self.follows = follows
        self._began = beginning_of(call, executor_id)
        self.weigh(rules)

    def weigh(self, rules: tuple[BudgetRule, ...]) -> None:
        """Have it fall under these budgets."""
        self.ruled = ready(rules)
        self.offers = offers_of(self.call, self.candidates, self.ruled)
        self.take(0)

    @property
    def hard(self) -> bool:
        return self.ruled.hard

    @property
    def rules(self) -> tuple[BudgetRule, ...]:
        return self.ruled.rules

    @property
    def policies(self) -> tuple[Policy, ...]:
        if self.follows:
            return ()
        terms = self.call.terms
        return terms.requests + terms.tokens

    def leave_out(self, rules: set[int]) -> None:
        """Do without some budgets, by their place from 1."""
        self.weigh(tuple(rule for n, rule in enumerate(self.rules, 1) if n not in rules))

    def take(self, place: int) -> OpenCall:
        """The call with the candidate of this place, from 0."""
        call, offer = self.call, self.offers[place]
        call.candidate = offer.candidate
        call.reserved = offer.reserved
        call.breaker = offer.breaker
        call.budgets = offer.budgets
        call.most_output = offer.most_output
        call.head = b"%b,%b" % (self._began, asked_of(offer.candidate)[0])
        return call

    def record(self, offer: Offer) -> bytes:
        """The row of its start at a candidate."""
        candidate = offer.candidate
        rest = started(candidate, self.call.load.input_tokens, 0, offer.reserved)
        return b"{%b,%b,%b}" % (self._began, asked_of(candidate)[0], rest)


def question_of(wish: Wish, executor_id: str) -> tuple[bytes, list[bytes]]:
    """The question, and what is attached to it: the record of the call's start with each one."""
    call, terms = wish.call, wish.call.terms
    policies: list[Any] = []
    if not wish.follows:
        policies = [orjson.Fragment(policy.wire) for policy in terms.requests]
        policies += [taking(policy, terms.taken) for policy in terms.tokens]
    asked = [
        call.id,
        executor_id,
        call.request_id,
        int(wish.follows),
        policies,
        0 if wish.follows else len(terms.requests),
        terms.slots,
        wish.ruled.wire,
        [[each.breaker, each.reserved or 0, int(each.bounded), each.under] for each in wish.offers],
    ]
    attached = [wish.record(offer) for offer in wish.offers]
    return orjson.dumps(["admit", 0, asked]), attached


def refusal_of(wish: Wish, answer: list[Any]) -> AppError:
    """Why nothing was taken."""
    kind, _, said = answer
    if kind == "busy":
        _, most = wish.call.terms.slots[said - 1]
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
    rule, offer = wish.rules[place - 1], wish.offers[int(chosen) - 1]
    if why == "price" and offer.candidate.price is not None:
        return CostUnbounded(
            f"Nobody knows how often {offer.candidate.target.endpoint.label} would use its own "
            f"{', '.join(wish.call.load.extras().hosted)} and what that costs, and the budget "
            f"{rule.budget_id} stands: leave it out, or use a tool of your own."
        )
    if why == "price":
        return PriceUnknown(
            f"Nobody knows a price of {offer.candidate.target.reference}, and the budget "
            f"{rule.budget_id} stands; set a price for the model."
        )
    return _exceeded(rule, offer, int(settled), int(reserved))


def _exceeded(rule: BudgetRule, offer: Offer, settled: int, reserved: int) -> BudgetExceeded:
    end = rule.end
    renews = f" It renews at {end.isoformat()}." if end is not None else ""
    return BudgetExceeded(
        f"The budget {rule.budget_id} ({rule.subject}, {rule.window}) allows "
        f"{to_dollars(rule.cap).normalize():f} USD: {to_dollars(settled).normalize():f} are spent, "
        f"{to_dollars(reserved).normalize():f} reserved by calls under way, and this call may come "
        f"to {to_dollars(offer.reserved or 0).normalize():f}.{renews}",
        retry_after=None if end is None else max((end - now()).total_seconds(), 1.0),
    )
