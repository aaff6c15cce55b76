"""What a workspace does with its budgets."""

from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.budgets import crud
from app.inference.budgets.errors import BudgetNotFound, TooManyBudgets
from app.inference.budgets.models import Budget, BudgetAlert
from app.inference.budgets.schemas import (
    MOST_BUDGETS,
    BudgetAlertQuery,
    BudgetCreate,
    BudgetQuery,
    BudgetUpdate,
)


async def create(session: AsyncSession, access: Access, new: BudgetCreate) -> Budget:
    """Raises TooManyBudgets."""
    await _leave_room(session, access.workspace_id)
    told = {name: getattr(new, name) for name in BudgetCreate.model_fields if name != "subject"}
    budget = Budget(
        id=new_id(),
        workspace_id=access.workspace_id,
        subject_type=new.subject.type,
        subject_id=new.subject.id,
        **told,
    )
    return await crud.add(session, budget)


async def get(session: AsyncSession, access: Access, budget_id: UUID) -> Budget:
    """Raises BudgetNotFound."""
    budget = await restorable.find(session, Budget, access.workspace_id, budget_id)
    if budget is None or budget.deleted_at:
        raise BudgetNotFound
    return budget


async def page(
    session: AsyncSession, access: Access, query: BudgetQuery, cursors: Cursors
) -> Slice[Budget]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession, access: Access, budget_id: UUID, change: BudgetUpdate
) -> Budget:
    """Change a budget; a new amount holds for the present window at once."""
    budget = await get(session, access, budget_id)
    await match(session, budget)
    for name in change.model_fields_set:
        setattr(budget, name, getattr(change, name))
    await session.flush()
    await session.refresh(budget)
    return budget


async def delete(session: AsyncSession, access: Access, budget_id: UUID) -> None:
    """Soft: `restore` brings it back for 30 days."""
    budget = await get(session, access, budget_id)
    await match(session, budget)
    budget.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, budget_id: UUID) -> Budget:
    """Raises BudgetNotFound, TooManyBudgets and RestoreExpired."""
    budget = await restorable.find(session, Budget, access.workspace_id, budget_id, for_update=True)
    if budget is None:
        raise BudgetNotFound
    restorable.expect_restorable(budget)
    if budget.deleted_at:
        await _leave_room(session, access.workspace_id)
        budget.deleted_at = None
        await session.flush()
        await session.refresh(budget)
    return budget


async def alerts(
    session: AsyncSession,
    access: Access,
    budget_id: UUID,
    query: BudgetAlertQuery,
    cursors: Cursors,
) -> Slice[BudgetAlert]:
    """Raises BudgetNotFound."""
    budget = await get(session, access, budget_id)
    return await crud.page_of_alerts(session, access.workspace_id, budget.id, query, cursors)


async def _leave_room(session: AsyncSession, workspace_id: UUID) -> None:
    if await restorable.count_living(session, Budget, workspace_id) >= MOST_BUDGETS:
        raise TooManyBudgets(f"A workspace has at most {MOST_BUDGETS}.")
