"""How a budget stands in its present window: settled, reserved and left."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, cast

from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Slice
from app.inference.budgets import crud
from app.inference.budgets.models import Budget
from app.inference.budgets.rules import counter_of
from app.inference.budgets.schemas import BudgetRead
from app.inference.budgets.windows import Window, WindowKind, window_at
from app.inference.prices.money import to_dollars, to_nano


@dataclass(frozen=True, slots=True)
class Held:
    """What a counter holds, in nano-dollars."""

    settled: int
    reserved: int


class Counters(Protocol):
    """The counters that calls are held to."""

    async def read(self, key: str) -> Held | None:
        """What is counted under `BudgetRule.key`; None where nothing is, or nobody says."""
        ...


def present(budget: Budget, at: datetime | None = None) -> Window:
    """The window that a budget is in."""
    return window_at(cast("WindowKind", budget.window), budget.timezone, at or now())


async def shown(session: AsyncSession, counters: Counters, budget: Budget) -> BudgetRead:
    """A budget with how it stands; what each customer has apart is nobody's sum."""
    window = present(budget)
    held = None
    if budget.subject_type != "all_customers":
        held = await counters.read(counter_of(budget.id, window.name))
        held = held or Held(
            await crud.spent(session, budget, window),
            await crud.reserved(session, budget, window),
        )
    return BudgetRead.model_validate(
        {
            **{name: getattr(budget, name) for name in _PLAIN},
            "subject": {"type": budget.subject_type, "id": budget.subject_id},
            "spent": held and to_dollars(held.settled),
            "reserved": held and to_dollars(held.reserved),
            "remaining": held and _left(budget.amount, held),
            "window_start": window.start,
            "window_end": window.end,
        }
    )


async def shown_page(
    session: AsyncSession, counters: Counters, page: Slice[Budget]
) -> Slice[BudgetRead]:
    """One page of budgets with how each stands."""
    read = [await shown(session, counters, budget) for budget in page.data]
    return Slice(read, page.has_more, page.next_cursor, page.total)


_PLAIN = (
    "id", "name", "amount", "window", "timezone", "hard", "thresholds", "models", "created_at",
    "updated_at", "deleted_at", "restorable_until", "version",
)  # fmt: skip


def _left(amount: Decimal, held: Held) -> Decimal:
    return to_dollars(max(0, to_nano(amount) - held.settled - held.reserved))
