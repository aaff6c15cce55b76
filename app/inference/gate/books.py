"""What the gate must know of a payer: the budgets and limits that a call falls under."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, cast
from uuid import UUID

from app.core import restorable
from app.core.clock import now
from app.core.db import Database, Scope
from app.inference.budgets import crud as budgets_crud
from app.inference.budgets.models import Budget
from app.inference.budgets.rules import RUN, BudgetRule
from app.inference.budgets.windows import WindowKind, window_at
from app.inference.customers.limits import CustomerLimits
from app.inference.gate import crud
from app.inference.gate.crud import Counted
from app.inference.usage.payer import Payer

# For so long a budget may be unknown to a process that remembers its workspace's budgets.
YOUNG: Final = timedelta(seconds=10)


class Caps(Protocol):
    """A workspace's budgets; `memo` keeps for as long as they stand what was worked out of them."""

    memo: dict[Any, Any]

    def rules(
        self, payer: Payer, *, route: str | None = None, at: datetime | None = None
    ) -> tuple[BudgetRule, ...]: ...


class BudgetBook(Protocol):
    """Where budgets are found; `peek` is None where `get` must be awaited."""

    def peek(self, workspace_id: UUID) -> Caps | None: ...

    async def get(self, workspace_id: UUID) -> Caps: ...


class Customers(Protocol):
    """A workspace's customers."""

    def limits(self, customer: str | None) -> CustomerLimits | None: ...


class CustomerBook(Protocol):
    """Where customers' limits are found; `peek` is None where `get` must be awaited."""

    def peek(self, workspace_id: UUID) -> Customers | None: ...

    async def get(self, workspace_id: UUID) -> Customers: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What the rows say of a budget; `young` is one that some process may not know of yet."""

    counted: Counted
    young: bool


async def count_rows(
    database: Database, workspace_id: UUID, rule: BudgetRule, *, at: datetime, since: datetime
) -> Found:
    """What the ledger's rows say of a rule's window; see `gate.crud.counted`."""
    async with database.unit(Scope(workspace_id=workspace_id)) as session:
        if rule.window == RUN:
            counted = await crud.counted(
                session, crud.of_run(workspace_id, rule.budget_id), crud.NOTHING, since
            )
            return Found(counted, young=False)
        budget = await restorable.find(session, Budget, workspace_id, rule.budget_id)
        if budget is None:
            return Found(Counted(0, (), ()), young=True)
        window = window_at(cast("WindowKind", budget.window), budget.timezone, at)
        about = budgets_crud.counted(budget, window, rule.customer)
        carried = budgets_crud.carried(budget, window, rule.customer)
        counted = await crud.counted(session, about, carried, since)
        return Found(counted, young=budget.updated_at > now() - YOUNG)
