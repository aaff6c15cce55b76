"""Budgets in Postgres, and what the ledger says was spent under them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    delete,
    exists,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.ids import new_id
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.identity.users.models import User
from app.identity.workspaces.models import Membership
from app.identity.workspaces.roles import Role
from app.inference.budgets.models import Budget, BudgetAlert, BudgetCarry
from app.inference.budgets.schemas import BY_UUID, BudgetAlertQuery, BudgetQuery
from app.inference.budgets.windows import Window
from app.inference.prices.money import to_nano
from app.inference.usage.models import ModelCall

_BY_COLUMN: Final[dict[str, Any]] = {
    "user": ModelCall.user_id,
    "api_key": ModelCall.api_key_id,
    "agent": ModelCall.agent_id,
    "run": ModelCall.run_id,
    "route": ModelCall.route,
    "customer": ModelCall.customer,
}
MOST_CUSTOMERS_TOLD: Final = 1000


async def page(
    session: AsyncSession, workspace_id: UUID, query: BudgetQuery, cursors: Cursors
) -> Slice[Budget]:
    wanted = []
    if query.subject_type is not None:
        wanted.append(Budget.subject_type == query.subject_type)
    if query.subject_id is not None:
        wanted.append(Budget.subject_id == query.subject_id)
    return await restorable.page(session, Budget, workspace_id, query, cursors, *wanted)


async def of_all_customers(session: AsyncSession, workspace_id: UUID) -> Sequence[Budget]:
    """Those that each customer has apart, deleted ones included."""
    statement = select(Budget).where(
        Budget.workspace_id == workspace_id, Budget.subject_type == "all_customers"
    )
    return (await session.scalars(statement)).all()


async def add(session: AsyncSession, budget: Budget) -> Budget:
    session.add(budget)
    await session.flush()
    return budget


async def spent(
    session: AsyncSession, budget: Budget, window: Window, customer: str | None = None
) -> int:
    """Nano-dollars that the ledger settled under a budget in a window, deleted calls included."""
    total = func.coalesce(func.sum(ModelCall.cost_usd), 0) + carried(budget, window, customer)
    about = counted(budget, window, customer)
    return to_nano(Decimal(await session.scalar(select(total).where(*about)) or 0))


async def reserved(session: AsyncSession, budget: Budget, window: Window) -> int:
    """Nano-dollars that open calls hold."""
    total = func.coalesce(func.sum(ModelCall.reserved_usd), 0)
    about = (*counted(budget, window), ModelCall.status == "started")
    return to_nano(Decimal(await session.scalar(select(total).where(*about)) or 0))


async def spent_by_customer(
    session: AsyncSession, budget: Budget, window: Window, least: int
) -> dict[str, int]:
    """Nano-dollars by customer, of those who spent at least so much; the first thousand."""
    calls = select(ModelCall.customer, ModelCall.cost_usd.label("cost")).where(
        *counted(budget, window), ModelCall.customer.is_not(None)
    )
    gone = select(BudgetCarry.customer, BudgetCarry.amount).where(*_carries(budget, window))
    each = union_all(calls, gone).subquery()
    total = func.sum(each.c.cost)
    statement = (
        select(each.c.customer, total)
        .group_by(each.c.customer)
        .having(total >= Decimal(least) / 10**9)
        .order_by(total.desc())
        .limit(MOST_CUSTOMERS_TOLD)
    )
    rows = (await session.execute(statement)).all()
    return {str(customer): to_nano(Decimal(cost or 0)) for customer, cost in rows}


def carried(budget: Budget, window: Window, customer: str | None = None) -> ScalarSelect[Decimal]:
    """US dollars of calls that counted and are deleted: to be asked together with those there."""
    total = func.coalesce(func.sum(BudgetCarry.amount), 0)
    return select(total).where(*_carries(budget, window, customer)).scalar_subquery()


def _carries(
    budget: Budget, window: Window, customer: str | None = None
) -> list[ColumnElement[bool]]:
    found = [BudgetCarry.budget_id == budget.id, BudgetCarry.window_name == window.name]
    return found if customer is None else [*found, BudgetCarry.customer == customer]


async def drop_past_carries(session: AsyncSession, before: datetime) -> None:
    """Forget what was carried in windows that are over; under SYSTEM."""
    past = BudgetCarry.window_name != Window("total").name
    await session.execute(delete(BudgetCarry).where(past, BudgetCarry.updated_at < before))


def counted(
    budget: Budget, window: Window, customer: str | None = None
) -> list[ColumnElement[bool]]:
    """Which calls count: those begun in the window, for whom the budget is."""
    found: list[ColumnElement[bool]] = [ModelCall.workspace_id == budget.workspace_id]
    if window.start is not None:
        found.append(ModelCall.created_at >= window.start)
    if window.end is not None:
        found.append(ModelCall.created_at < window.end)
    if budget.subject_id is not None:
        found.append(_made_for(budget.subject_type, budget.subject_id))
    if customer is not None:
        found.append(ModelCall.customer == customer)
    if budget.models:
        found.append(or_(*(_named(pattern) for pattern in budget.models)))
    return found


def _made_for(kind: str, about: str) -> ColumnElement[bool]:
    if kind == "tag":
        return ModelCall.tags.contains([about])
    column: ColumnElement[Any] = _BY_COLUMN[kind]
    return column == (UUID(about) if kind in BY_UUID else about)


def _named(pattern: str) -> ColumnElement[bool]:
    like = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = like.replace("*", "%").replace("?", "_")
    return or_(ModelCall.reference.like(like), ModelCall.model.like(like))


async def to_watch(session: AsyncSession, since: datetime) -> Sequence[Budget]:
    """Of any workspace the living budgets that may have come nearer to their end since; SYSTEM."""
    called = exists().where(
        ModelCall.workspace_id == Budget.workspace_id, ModelCall.created_at >= since
    )
    statement = select(Budget).where(
        Budget.deleted_at.is_(None),
        func.jsonb_array_length(Budget.thresholds) > 0,
        or_(Budget.updated_at >= since, called),
    )
    return (await session.scalars(statement.order_by(Budget.id))).all()


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that was crossed; `customer` is empty where the budget is of all together."""

    window: str
    threshold: int
    spent: Decimal
    customer: str = ""


async def add_alert(session: AsyncSession, budget: Budget, crossing: Crossing) -> bool:
    """Write an alert down, unless it was given already; whether it is new."""
    statement = (
        insert(BudgetAlert)
        .values(
            id=new_id(),
            workspace_id=budget.workspace_id,
            budget_id=budget.id,
            window_name=crossing.window,
            threshold=crossing.threshold,
            customer=crossing.customer,
            spent=crossing.spent,
            amount=budget.amount,
        )
        .on_conflict_do_nothing()
        .returning(BudgetAlert.id)
    )
    return await session.scalar(statement) is not None


async def page_of_alerts(
    session: AsyncSession,
    workspace_id: UUID,
    budget_id: UUID,
    query: BudgetAlertQuery,
    cursors: Cursors,
) -> Slice[BudgetAlert]:
    statement = select(BudgetAlert).where(
        BudgetAlert.workspace_id == workspace_id, BudgetAlert.budget_id == budget_id
    )
    keyset = Keyset(BudgetAlert.created_at, BudgetAlert.id)
    return await fetch_page(
        session,
        statement,
        keyset,
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(budget_id),
    )


async def people_to_tell(session: AsyncSession, workspace_id: UUID) -> Sequence[tuple[UUID, str]]:
    """The owners and administrators of a workspace, by id and address."""
    statement = (
        select(User.id, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.workspace_id == workspace_id,
            Membership.role.in_([Role.OWNER, Role.ADMIN]),
            Membership.suspended_at.is_(None),
            User.status == "active",
            User.kind != "service",
        )
        .order_by(User.id)
    )
    return [(user_id, email) for user_id, email in (await session.execute(statement)).all()]
