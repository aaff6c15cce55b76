"""Thresholds that budgets have crossed: each told once in a window, and mailed."""

from datetime import timedelta
from typing import Final

from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.mail import queue
from app.inference.budgets import crud, letters
from app.inference.budgets.crud import Crossing
from app.inference.budgets.models import Budget
from app.inference.budgets.standing import present
from app.inference.budgets.windows import Window
from app.inference.prices.money import to_dollars, to_nano
from app.inference.prices.price import MOST_NANO

log = get_logger(__name__)

JOB: Final = "budget_alerts"
EVERY = timedelta(seconds=30)
# A budget is looked at for so long after the last call of its workspace, or its own last change.
WATCHED_FOR = timedelta(days=1)


def budget_alerts_job(kernel: Kernel) -> Job:
    """The job that looks for budgets that have crossed a threshold."""

    async def look() -> None:
        async with kernel.database.unit(SYSTEM) as session:
            budgets = await crud.to_watch(session, now() - WATCHED_FOR)
        for budget in budgets:
            try:
                async with kernel.database.unit(SYSTEM) as session:
                    await tell(session, budget)
            except Exception as error:  # noqa: BLE001 - the others are told all the same
                log.warning("budget_not_watched", budget=str(budget.id), reason=repr(error))

    return Job(JOB, EVERY, look)


async def tell(session: AsyncSession, budget: Budget) -> list[Crossing]:
    """Write down and mail what a budget crossed and nobody was told yet; returns what was new."""
    window = present(budget)
    new = [
        crossing
        for crossing in await _crossed(session, budget, window)
        if await crud.add_alert(session, budget, crossing)
    ]
    if new:
        subject, text = letters.subject(budget, new), letters.text(budget, new)
        for user_id, email in await crud.people_to_tell(session, budget.workspace_id):
            await queue(session, to=email, subject=subject, text=text, user_id=user_id)
    return new


async def _crossed(session: AsyncSession, budget: Budget, window: Window) -> list[Crossing]:
    least = to_nano(budget.amount * min(budget.thresholds) / 100)
    if budget.subject_type == "all_customers":
        found = await crud.spent_by_customer(session, budget, window, least)
    else:
        found = {"": await crud.spent(session, budget, window)}
    return [
        # No more than a row holds.
        Crossing(window.name, threshold, to_dollars(min(spent, MOST_NANO)), customer)
        for customer, spent in found.items()
        for threshold in budget.thresholds
        if spent * 100 >= to_nano(budget.amount) * threshold
    ]
