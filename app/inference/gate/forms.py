"""What the gate says of many requests in the same words: all that is not in their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from app.core.auth import Access
from app.core.limits import Policy
from app.core.scripts import Shared
from app.inference.budgets.rules import BudgetRule, rule_of_run
from app.inference.gate.blame import breaker_key
from app.inference.gate.books import Caps, Customers
from app.inference.gate.call import Load, Terms
from app.inference.gate.records import asked_of, row_of
from app.inference.prices.price import Price
from app.inference.routing.plan import Candidate
from app.inference.usage.payer import Payer

MOST_KEPT: Final = 1000
MOST_CHOICES: Final = 100


@dataclass(slots=True, eq=False)
class Part:
    """What is said of one candidate.

    `under` are the places (from 1) of the budgets that its calls count under, `budgets` their keys,
    `hard` says that one of them is. `asked` is the question's part. `row` is how a started row goes
    on after what all have in common.
    """

    candidate: Candidate
    price: Price | None
    under: list[int]
    budgets: tuple[str, ...]
    hard: bool
    breaker: str
    asked: list[Any]
    row: bytes


@dataclass(slots=True, eq=False)
class Choice:
    """The candidates of a request in their order, and what is told of them to the script."""

    parts: tuple[Part, ...]
    shared: Shared


@dataclass(slots=True, eq=False)
class Form:
    """A payer's requests of one kind, under the same limits and budgets.

    `policies` are those that a verdict is about, none where the request is counted already; `until`
    is when the first window of `rules` ends, `row` is what every row says.
    """

    payer: Payer
    terms: Terms
    rules: tuple[BudgetRule, ...]
    row: bytes
    executor_id: str
    follows: bool
    policies: tuple[Policy, ...] = field(init=False)
    until: datetime | None = field(init=False)
    hard: bool = field(init=False)
    _choices: dict[tuple[int, ...], Choice] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        terms, rules = self.terms, self.rules
        self.policies = () if self.follows else terms.requests + terms.tokens
        self.until = min((rule.end for rule in rules if rule.end is not None), default=None)
        self.hard = any(rule.hard for rule in rules)

    def choice(self, candidates: Sequence[Candidate]) -> Choice:
        """What is said of these candidates in this order; made once."""
        # A part keeps its candidate alive, so that nothing else comes to its place in memory.
        who = tuple(map(id, candidates))
        found = self._choices.get(who)
        if found is None:
            if len(self._choices) >= MOST_CHOICES:
                self._choices.clear()
            parts = tuple(map(self._part, candidates))
            found = self._choices[who] = Choice(parts, self._shared(parts))
        return found

    def without(self, places: set[int]) -> "Form":
        """The same without some budgets, by their places from 1."""
        rules = tuple(rule for place, rule in enumerate(self.rules, 1) if place not in places)
        return Form(self.payer, self.terms, rules, self.row, self.executor_id, self.follows)

    def _shared(self, parts: Sequence[Part]) -> Shared:
        terms = self.terms
        counting = () if self.follows else terms.requests
        policies: list[Any] = [orjson.Fragment(policy.wire) for policy in counting]
        policies += () if self.follows else map(tuple, terms.buckets)
        said = [
            self.executor_id,
            int(self.follows),
            policies,
            len(counting),
            terms.slots,
            [(rule.key, rule.cap if rule.hard else -1) for rule in self.rules],
            [part.asked for part in parts],
        ]
        return Shared(orjson.dumps(said), *[part.row for part in parts])

    def _part(self, candidate: Candidate) -> Part:
        reference = candidate.target.reference
        under = [place for place, rule in enumerate(self.rules, 1) if rule.covers(reference)]
        rules = [self.rules[place - 1] for place in under]
        breaker = breaker_key(self.payer.workspace_id, candidate)
        who, price = asked_of(candidate)
        return Part(
            candidate,
            candidate.price,
            under,
            tuple([rule.key for rule in rules]),
            any(rule.hard for rule in rules),
            breaker,
            [breaker, int(candidate.price is not None), under],
            b'%b,"price":%b,"reserved_nano":' % (who, price),
        )


@dataclass(slots=True, eq=False)
class Kept:
    """A form, and what it was made of: while it is kept, nothing else has their identity."""

    form: Form
    payer: Payer
    access: Access | None
    policies: Sequence[Policy]
    customers: Customers | None


class Forms:
    """Those of a process's requests, found again by what they are made of.

    They are kept with a workspace's budgets, and go with them.
    """

    def __init__(self, executor_id: str) -> None:
        self._executor_id = executor_id

    def find(
        self,
        payer: Payer,
        access: Access | None,
        policies: Sequence[Policy],
        load: Load,
        caps: Caps,
        customers: Customers | None,
        at: datetime,
    ) -> Form | None:
        """The form of a request, where its customers are as they were when it was made."""
        kind = (self._executor_id, load.route, load.operation, load.dialect, load.category)
        kept: Kept | None = caps.memo.get((id(payer), id(access), id(policies), kind))
        if kept is None or kept.customers is not customers:
            return None
        form = kept.form
        return form if form.until is None or at < form.until else None

    def keep(
        self,
        form: Form,
        access: Access | None,
        policies: Sequence[Policy],
        load: Load,
        caps: Caps,
        customers: Customers | None,
    ) -> None:
        """Have a form found by requests like this one."""
        if len(caps.memo) >= MOST_KEPT:
            caps.memo.clear()
        kind = (self._executor_id, load.route, load.operation, load.dialect, load.category)
        caps.memo[id(form.payer), id(access), id(policies), kind] = Kept(
            form, form.payer, access, policies, customers
        )

    def make(
        self,
        payer: Payer,
        terms: Terms,
        load: Load,
        caps: Caps,
        at: datetime,
        *,
        follows: bool = False,
    ) -> Form:
        """A form for `at`; of requests that `follow` the limits are counted already."""
        rules = caps.rules(payer, route=load.route, at=at)
        own = rule_of_run(payer)
        if own is not None:
            rules = (*rules, own)
        row = row_of(payer, load, self._executor_id)
        return Form(payer, terms, rules, row, self._executor_id, follows)
