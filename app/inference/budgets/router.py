"""/v1/budgets."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.db import AsyncSession, on_commit
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.kernel import Kernel
from app.core.paging import CursorInvalid, Page
from app.inference.budgets import alerts, service, standing
from app.inference.budgets.book import BudgetBook
from app.inference.budgets.counters import ValkeyCounters
from app.inference.budgets.edge import BudgetsDep
from app.inference.budgets.errors import BudgetNotFound, TooManyBudgets
from app.inference.budgets.schemas import (
    BudgetAlertQuery,
    BudgetAlertRead,
    BudgetCreate,
    BudgetQuery,
    BudgetRead,
    BudgetUpdate,
)

Reader = Annotated[Access, require(Permission.BUDGETS_READ)]
Writer = Annotated[Access, require(Permission.BUDGETS_WRITE)]

router = guarded_router(prefix="/v1/budgets", tag="budgets")


def _told(session: AsyncSession, access: Access, book: BudgetBook, kernel: Kernel) -> None:
    """Once it is committed, have the change hold at once, and its thresholds looked at."""
    on_commit(session, lambda: book.forget(access.workspace_id))
    on_commit(session, lambda: kernel.nudge(alerts.JOB))


@router.get(
    "",
    operation_id="budgets_list",
    summary="List budgets and how they stand, newest first",
    response_model=Page[BudgetRead],
    responses=problems(CursorInvalid),
)
async def list_budgets(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[BudgetQuery, Query()]
) -> object:
    found = await service.page(session, access, query, kernel.cursors)
    return await standing.shown_page(session, ValkeyCounters(kernel.valkey), found)


@router.post(
    "",
    operation_id="budgets_create",
    summary="Set a budget",
    description=(
        "Calls are counted in US dollars from the moment the window began, those before the "
        "budget was set included. A hard budget refuses a call that could go beyond it, and one "
        "of a model whose price nobody knows."
    ),
    status_code=201,
    responses=problems(TooManyBudgets),
)
async def create_budget(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    book: BudgetsDep,
    new: BudgetCreate,
    response: Response,
) -> BudgetRead:
    _told(session, access, book, kernel)
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/budgets/{made.id}"
    return await standing.shown(session, ValkeyCounters(kernel.valkey), made)


@router.get(
    "/{budget_id}",
    operation_id="budgets_get",
    summary="Show a budget and how it stands",
    responses=problems(BudgetNotFound),
)
async def get_budget(
    access: Reader, session: Session, kernel: KernelDep, budget_id: UUID
) -> BudgetRead:
    budget = await service.get(session, access, budget_id)
    return await standing.shown(session, ValkeyCounters(kernel.valkey), budget)


@router.patch(
    "/{budget_id}",
    operation_id="budgets_update",
    summary="Change a budget's amount, name, thresholds or hardness",
    responses=problems(BudgetNotFound),
)
async def update_budget(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    book: BudgetsDep,
    budget_id: UUID,
    change: BudgetUpdate,
) -> BudgetRead:
    _told(session, access, book, kernel)
    budget = await service.update(session, access, budget_id, change)
    return await standing.shown(session, ValkeyCounters(kernel.valkey), budget)


@router.delete(
    "/{budget_id}",
    operation_id="budgets_delete",
    summary="Delete a budget; it can be restored for 30 days",
    status_code=204,
    responses=problems(BudgetNotFound),
)
async def delete_budget(
    access: Writer, session: Session, kernel: KernelDep, book: BudgetsDep, budget_id: UUID
) -> None:
    _told(session, access, book, kernel)
    await service.delete(session, access, budget_id)


@router.post(
    "/{budget_id}/restore",
    operation_id="budgets_restore",
    summary="Bring a deleted budget back",
    responses=problems(BudgetNotFound, TooManyBudgets, RestoreExpired),
)
async def restore_budget(
    access: Writer, session: Session, kernel: KernelDep, book: BudgetsDep, budget_id: UUID
) -> BudgetRead:
    _told(session, access, book, kernel)
    budget = await service.restore(session, access, budget_id)
    return await standing.shown(session, ValkeyCounters(kernel.valkey), budget)


@router.get(
    "/{budget_id}/alerts",
    operation_id="budget_alerts_list",
    summary="List the thresholds that a budget has crossed, newest first",
    response_model=Page[BudgetAlertRead],
    responses=problems(CursorInvalid, BudgetNotFound),
)
async def list_alerts(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    budget_id: UUID,
    query: Annotated[BudgetAlertQuery, Query()],
) -> object:
    return await service.alerts(session, access, budget_id, query, kernel.cursors)
