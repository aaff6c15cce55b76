"""What the gate asks Valkey for one attempt, and what an answer means."""

from collections.abc import Sequence
from typing import Any

from app.core.clock import now
from app.core.errors import AppError
from app.inference.budgets.rules import BudgetRule
from app.inference.gate.bounds import longest_of, most_beyond
from app.inference.gate.call import OpenCall
from app.inference.gate.errors import (
    AllResting,
    BudgetExceeded,
    CostUnbounded,
    NoCandidateReady,
    PriceUnknown,
    TooManyCalls,
)
from app.inference.gate.forms import Form
from app.inference.gate.records import began_of, head_of, number, start_of, started
from app.inference.gate.terms import reservation
from app.inference.prices.money import to_dollars
from app.inference.routing.plan import Candidate
from app.inference.usage.extras import NOTHING, Extras

BUSY_RETRY_SECONDS = 1.0


class Wish:
    """One attempt that is to be admitted, at the first of its candidates that may be asked.

    `call` is as it is with the one that was `take`n, which is the first until then. `amounts` are
    what it may come to with each, in nano-dollars, None where nothing is reserved; `is_bounded` is
    false where nobody knows that.
    """

    __slots__ = ("amounts", "call", "candidates", "form", "is_bounded", "parts", "shared")

    def __init__(self, call: OpenCall, candidates: Sequence[Candidate], form: Form) -> None:
        self.call = call
        self.candidates = candidates
        call.began = began_of(call, form.row)
        self.weigh(form)

    def weigh(self, form: Form) -> None:
        """Have it fall under the budgets of this form."""
        load = self.call.load
        self.form = form
        choice = form.choice(self.candidates)
        self.parts, self.shared = choice.parts, choice.shared
        self.is_bounded = True
        self.amounts: list[int | None] = [None] * len(self.parts)
        if form.rules:
            extras = load.extras()
            self.is_bounded = not (form.hard and extras.hosted)
            if extras is NOTHING and load.max_output_tokens is not None:
                self._reserve_by_price()
            else:
                self._reserve_by_candidate(extras)
        self.take(0)

    def _reserve_by_price(self) -> None:
        """Where the request says all: those who cost the same may come to the same."""
        load, before, amount = self.call.load, None, None
        for place, part in enumerate(self.parts):
            price = part.price
            if price is not None and part.under:
                if price is not before:
                    before, amount = price, reservation(price, load)
                self.amounts[place] = amount

    def _reserve_by_candidate(self, extras: Extras) -> None:
        load = self.call.load
        for place, part in enumerate(self.parts):
            if part.price is not None and part.under:
                beyond = most_beyond(part.candidate, extras)
                longest = longest_of(part.candidate, load)
                self.amounts[place] = reservation(part.price, load, beyond, longest)

    def leave_out(self, places: set[int]) -> None:
        """Do without some budgets, by their place from 1."""
        self.weigh(self.form.without(places))

    def take(self, place: int) -> OpenCall:
        """The call with the candidate of this place, from 0."""
        call, part = self.call, self.parts[place]
        call.candidate = part.candidate
        call.reserved = self.amounts[place]
        call.breaker = part.breaker
        call.budgets = part.budgets
        is_open = part.hard and call.load.max_output_tokens is None
        call.most_output = longest_of(part.candidate, call.load) if is_open else None
        return call

    def record(self) -> bytes:
        """The row of the call's start, with the candidate that was taken."""
        call = self.call
        return b"{%b,%b}" % (head_of(call), start_of(call))

    def question(self) -> tuple[bytes, bytes, bytes]:
        """What the script is asked beside what is `shared`.

        What other calls may ask for just so, what this one asks for alone, and how its record
        begins.
        """
        call = self.call
        amounts = b",".join([number(amount) for amount in self.amounts])
        wire = b'["admit",0,%d,[%b],%d]' % (call.taken, amounts, self.is_bounded)
        own = f'"{call.id_text}","{call.request_text}"'.encode()
        return wire, own, b"{%b,%b," % (call.began, started(call.load.input_tokens))


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
    rule, target = wish.form.rules[place - 1], wish.parts[int(chosen) - 1].candidate.target
    if why == "price" and wish.parts[int(chosen) - 1].price is not None:
        return CostUnbounded(
            f"Nobody knows how often {target.endpoint.label} would use its own "
            f"{', '.join(wish.call.load.extras().hosted)} and what that costs, and the budget "
            f"{rule.budget_id} stands: leave it out, or use a tool of your own."
        )
    if why == "price":
        return PriceUnknown(
            f"Nobody knows a price of {target.reference}, and the budget "
            f"{rule.budget_id} stands; set a price for the model."
        )
    amount = wish.amounts[int(chosen) - 1] or 0
    return _exceeded(rule, amount, int(settled), int(reserved))


def _exceeded(rule: BudgetRule, amount: int, settled: int, reserved: int) -> BudgetExceeded:
    end = rule.end
    renews = f" It renews at {end.isoformat()}." if end is not None else ""
    return BudgetExceeded(
        f"The budget {rule.budget_id} ({rule.subject}, {rule.window}) allows "
        f"{to_dollars(rule.cap).normalize():f} USD: {to_dollars(settled).normalize():f} are spent, "
        f"{to_dollars(reserved).normalize():f} reserved by calls under way, and this call may come "
        f"to {to_dollars(amount).normalize():f}.{renews}",
        retry_after=None if end is None else max((end - now()).total_seconds(), 1.0),
    )
