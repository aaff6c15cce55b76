"""Every workspace's budgets, kept in memory for a moment."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from app.core import restorable
from app.core.clock import now
from app.core.db import Database, Scope
from app.core.fresh import Fresh
from app.inference.budgets import crud
from app.inference.budgets.models import Budget
from app.inference.budgets.rules import BudgetRule
from app.inference.budgets.windows import Window, WindowKind, window_at
from app.inference.prices.money import to_nano
from app.inference.usage.payer import Payer

Subject = tuple[str, str | None]
# Beyond so many different payers what was worked out for them is thrown away.
MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Cap:
    """A budget without its window; `amount` in nano-dollars."""

    budget_id: UUID
    subject: Subject
    amount: int
    hard: bool
    window: WindowKind
    timezone: str
    models: tuple[str, ...]


@dataclass(slots=True)
class Caps:
    """A workspace's budgets by whom they are about; no I/O.

    `memo` is where others keep what they have worked out of them, by keys of their own: it goes
    with these budgets, some seconds from now.
    """

    by_subject: dict[Subject, list[Cap]] = field(default_factory=dict)
    memo: dict[Any, Any] = field(default_factory=dict)
    _windows: dict[tuple[WindowKind, str], Window] = field(default_factory=dict)
    _rules: dict[tuple[Subject, ...], tuple[BudgetRule, ...]] = field(default_factory=dict)

    def rules(
        self, payer: Payer, *, route: str | None = None, at: datetime | None = None
    ) -> tuple[BudgetRule, ...]:
        """The budgets that a call falls under, whichever model answers it.

        `route` is the name of the route taken. A rule that is about some models only says so: ask
        its `covers`.
        """
        if not self.by_subject:
            return ()
        moment = at or now()
        subjects = tuple(_subjects(payer, route))
        known = self._rules.get(subjects)
        if known is not None and all(rule.end is None or moment < rule.end for rule in known):
            return known
        if len(self._rules) >= MOST_KEPT:
            self._rules.clear()
        found = self._rules[subjects] = tuple(
            self._rule(cap, payer, moment)
            for subject in subjects
            for cap in self.by_subject.get(subject, ())
        )
        return found

    def _rule(self, cap: Cap, payer: Payer, moment: datetime) -> BudgetRule:
        kind, about = cap.subject
        window = self._window(cap, moment)
        return BudgetRule(
            budget_id=cap.budget_id,
            window=window.name,
            cap=cap.amount,
            hard=cap.hard,
            subject=kind if about is None else f"{kind}:{about}",
            customer=payer.customer if kind == "all_customers" else None,
            models=cap.models,
            end=window.end,
        )

    def _window(self, cap: Cap, moment: datetime) -> Window:
        known = self._windows.get((cap.window, cap.timezone))
        if known is None or not known.holds(moment):
            known = window_at(cap.window, cap.timezone, moment)
            self._windows[cap.window, cap.timezone] = known
        return known


def _subjects(payer: Payer, route: str | None) -> Iterator[Subject]:
    """Whom a call is made for; what it has not is about nobody."""
    yield ("workspace", None)
    yield ("user", str(payer.user_id))
    named = (
        ("api_key", payer.api_key_id),
        ("agent", payer.agent_id),
        ("run", payer.run_id),
        ("route", route),
        ("customer", payer.customer),
    )
    for kind, about in named:
        if about is not None:
            yield (kind, str(about))
    if payer.customer is not None:
        yield ("all_customers", None)
    for tag in dict.fromkeys(payer.tags):
        yield ("tag", tag)


def caps_of(rows: Iterable[Budget]) -> Caps:
    found = Caps()
    for row in rows:
        cap = cap_of(row)
        found.by_subject.setdefault(cap.subject, []).append(cap)
    return found


def cap_of(row: Budget) -> Cap:
    return Cap(
        budget_id=row.id,
        subject=(row.subject_type, row.subject_id),
        amount=to_nano(row.amount),
        hard=row.hard,
        window=cast("WindowKind", row.window),
        timezone=row.timezone,
        models=tuple(row.models),
    )


class BudgetBook:
    """Finds the budgets of a call without a query while what is known is fresh."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Fresh[Caps] = Fresh(self._load)

    def peek(self, workspace_id: UUID) -> Caps | None:
        """A workspace's budgets without waiting; None where `get` must be awaited."""
        return self._known.peek(workspace_id)

    async def get(self, workspace_id: UUID) -> Caps:
        return await self._known.get(workspace_id)

    async def rules(self, payer: Payer, *, route: str | None = None) -> tuple[BudgetRule, ...]:
        """The budgets that a call falls under. See `Caps.rules`."""
        return (await self._known.get(payer.workspace_id)).rules(payer, route=route)

    async def settled(self, workspace_id: UUID, rule: BudgetRule) -> int:
        """What the ledger says was spent under a rule, in nano-dollars: where a counter starts."""
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            row = await restorable.find(session, Budget, workspace_id, rule.budget_id)
            if row is None:
                return 0
            window = window_at(cast("WindowKind", row.window), row.timezone, now())
            return await crud.spent(session, row, window, rule.customer)

    def forget(self, workspace_id: UUID) -> None:
        """Read this workspace's budgets anew at the next call."""
        self._known.forget(workspace_id)

    async def _load(self, workspace_id: UUID) -> Caps:
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            return caps_of(await restorable.all_living(session, Budget, workspace_id))
