"""What is known of a run before a process goes on with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from app.automation.engine import admission, crud, waits_crud
from app.automation.engine.models import WorkflowRun, WorkflowWait
from app.automation.engine.plans import Plan, Plans
from app.automation.engine.steps import Step
from app.automation.engine.waits import Cancel
from app.automation.language.flow import Flow
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import AppError

# Counted up when an older engine's runs would not be walked in the same way any more.
INTERPRETER: Final = 1


@dataclass(frozen=True, slots=True)
class Known:
    """A run with all that it did and waits for; `not_yet` where its turn has not come."""

    row: WorkflowRun
    plan: Plan
    steps: Sequence[Step] = ()
    waits: Sequence[WorkflowWait] = ()
    not_yet: admission.NotYet | None = None


async def take_up(
    session: AsyncSession, plans: Plans, workspace_id: UUID, run_id: UUID, cancel: Cancel
) -> Known:
    """The run as it is stored, in its turn where that has come.

    Waits that are over end, and the runs that these were for are cancelled.
    """
    row = await crud.get(session, workspace_id, run_id)
    if row is None:
        raise AppError("What this run was to do is gone.")
    if row.interpreter > INTERPRETER:
        raise AppError("A newer version of the service began this run.")
    plan = plans.of(row.definition)
    # One that is to end waits for no turn.
    is_over = row.deadline_at is not None and row.deadline_at <= now()
    is_over = is_over or row.stopped_at is not None
    not_yet = None if is_over else await admission.turn_of(session, plan.flow, row)
    for late in await waits_crud.expire_due(session, workspace_id, run_id):
        await cancel(session, workspace_id, late)
    steps = await crud.steps(session, workspace_id, run_id)
    waits = await waits_crud.waits(session, workspace_id, run_id)
    return Known(row, plan, steps, waits, not_yet)


def readable(plans: Plans, row: WorkflowRun) -> Flow | None:
    """What a run is to do; None where this version cannot read it, for it ends all the same."""
    try:
        return plans.of(row.definition).flow
    except ValidationError:
        return None
