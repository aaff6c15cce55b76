"""Whose turn it is, where a workflow limits how many of its runs are under way, or begin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.automation.engine import turns_crud
from app.automation.engine.errors import WorkflowBusy
from app.automation.engine.models import WorkflowRun
from app.automation.language.flow import Flow, seconds_of
from app.automation.language.templates import rendered
from app.core.clock import now
from app.core.db import AsyncSession


@dataclass(frozen=True, slots=True)
class NotYet:
    """The run waits for its turn: until another one ends, or at the latest until a moment."""

    until: datetime | None


def keys_of(flow: Flow, workflow_id: UUID, inputs: dict[str, Any]) -> dict[str, str | None]:
    """By which keys a run counts; raises StepFault where one cannot be computed."""
    names = {"inputs": inputs, "vars": flow.vars, "nodes": {}}

    def key(limit: Any) -> str | None:
        if limit is None:
            return None
        own = "" if limit.key is None else str(rendered(limit.key, names))[:500]
        return f"{workflow_id}:{own}"

    settings = flow.settings
    return {"concurrency_key": key(settings.concurrency), "rate_key": key(settings.rate)}


async def expect_room(session: AsyncSession, flow: Flow, row: WorkflowRun) -> Sequence[UUID]:
    """Before a run is stored: raises WorkflowBusy where it is refused.

    Gives the runs that are to be cancelled for it.
    """
    limit = flow.settings.concurrency
    if limit is None or row.concurrency_key is None or limit.otherwise == "queue":
        return ()
    await turns_crud.lock(session, row.concurrency_key)
    under_way = await turns_crud.unfinished(session, row.workspace_id, row.concurrency_key)
    if len(under_way) < limit.limit:
        return ()
    if limit.otherwise == "refuse":
        raise WorkflowBusy(f"At most {limit.limit} run at once.", retry_after=5)
    return under_way[: len(under_way) - limit.limit + 1]


async def turn_of(session: AsyncSession, flow: Flow, row: WorkflowRun) -> NotYet | None:
    """None where it is the run's turn, which is then noted."""
    if row.admitted_at is not None:
        return None
    concurrency, rate = flow.settings.concurrency, flow.settings.rate
    if concurrency is not None and row.concurrency_key is not None:
        await turns_crud.lock(session, row.concurrency_key)
        if not await turns_crud.is_next(session, row, concurrency.limit):
            return NotYet(None)
    if rate is not None and row.rate_key is not None:
        await turns_crud.lock(session, row.rate_key)
        period = timedelta(seconds=seconds_of(rate.per))
        nth = await turns_crud.nth_admission(session, row, rate.limit)
        if nth is not None and nth > now() - period:
            return NotYet(nth + period)
    await turns_crud.admit(session, row, now())
    return None


async def next_of(session: AsyncSession, flow: Flow, row: WorkflowRun) -> UUID | None:
    """The run that waits for a place of the key of a run that has ended or begun, if one is free.

    Each that begins asks for the next: several that end at once all see the same one wait.
    """
    limit = flow.settings.concurrency
    if limit is None or row.concurrency_key is None:
        return None
    return await turns_crud.first_waiting(
        session, row.workspace_id, row.concurrency_key, row.id, limit.limit
    )
