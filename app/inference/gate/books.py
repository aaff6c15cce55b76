"""What the gate must know of a payer, as those who keep it tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.inference.budgets.rules import BudgetRule
from app.inference.customers.limits import CustomerLimits
from app.inference.usage.payer import Payer


class Caps(Protocol):
    """A workspace's budgets."""

    def rules(
        self, payer: Payer, *, route: str | None = None, at: datetime | None = None
    ) -> tuple[BudgetRule, ...]: ...


@dataclass(frozen=True, slots=True)
class Counted:
    """What the ledger's rows say of a budget at one moment; amounts in nano-dollars.

    `opens` are the calls under way: id, executor, what is reserved. `merged` are those among the
    settled ones that were stored lately. `young` marks a budget that some process may not know yet.
    """

    settled: int
    opens: Sequence[tuple[UUID, str, int]]
    merged: Sequence[UUID]
    young: bool = False


class BudgetBook(Protocol):
    """Where budgets are found; `peek` is None where `get` must be awaited."""

    def peek(self, workspace_id: UUID) -> Caps | None: ...

    async def get(self, workspace_id: UUID) -> Caps: ...

    async def counted(
        self, workspace_id: UUID, rule: BudgetRule, *, at: datetime, since: datetime
    ) -> Counted:
        """What the rows say of the window that `at` is in; `merged` are those stored `since`."""
        ...

    async def moment(self) -> datetime:
        """The time by the database's clock."""
        ...


class Standings(Protocol):
    """A workspace's customers."""

    def limits(self, customer: str | None) -> CustomerLimits | None: ...


class CustomerBook(Protocol):
    """Where customers' limits are found; `peek` is None where `get` must be awaited."""

    def peek(self, workspace_id: UUID) -> Standings | None: ...

    async def get(self, workspace_id: UUID) -> Standings: ...
