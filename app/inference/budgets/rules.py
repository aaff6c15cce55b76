"""A budget as the gate applies it to a call."""

from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final
from uuid import UUID

from app.inference.prices.money import to_nano
from app.inference.usage.payer import Payer

# The window of what a run itself may cost; its `budget_id` is the run.
RUN: Final = "run"


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """A budget that a call falls under, in its present window; amounts in nano-dollars.

    `window` is the window's name (`2026-11-21`, `2026-11`, `total`), so that another one has a
    counter of its own. A soft budget counts and alerts, and refuses nothing. `customer` is set
    where one rule counts each end user apart. `models` are patterns of the references that it is
    about; none means every model. `end` is when the window does, None of a total. `key` is
    the counter's name in Valkey.
    """

    budget_id: UUID
    window: str
    cap: int
    hard: bool
    subject: str
    customer: str | None = None
    models: tuple[str, ...] = ()
    end: datetime | None = None
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", counter_of(self.budget_id, self.window, self.customer))

    def covers(self, reference: str) -> bool:
        """Whether calls of `<slug>/<model>` count."""
        return covers(self.models, reference)


def rule_of_run(payer: Payer) -> BudgetRule | None:
    """What a run itself may cost, where whoever began it set that."""
    if payer.run_cap is None or payer.run_id is None:
        return None
    return BudgetRule(payer.run_id, RUN, to_nano(payer.run_cap), True, f"run:{payer.run_id}")


def counter_of(budget_id: UUID, window: str, customer: str | None = None) -> str:
    """The name of a counter: of a budget in a window, or of one customer's part of it."""
    # Ends otherwise than the names that the gate makes of it (`<key>:load`), whoever it is.
    own = f":{customer}:" if customer is not None else ""
    return f"budget:{budget_id}:{window}{own}"


def covers(models: tuple[str, ...], reference: str) -> bool:
    """Whether patterns name a reference or its model alone; no patterns name every one."""
    if not models:
        return True
    name = reference.partition("/")[2] or reference
    return any(fnmatchcase(reference, each) or fnmatchcase(name, each) for each in models)
