"""Whose turn it is, where a workflow limits how many of its runs are under way, or begin."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.automation.engine import turns_crud
from app.automation.engine.errors import WorkflowBusy
from app.automation.engine.models import WorkflowRun
from app.automation.language.flow import Concurrency, Flow, Rate, seconds_of
from app.automation.language.templates import rendered
from app.core.clock import now
from app.core.db import AsyncSession


@dataclass(frozen=True, slots=True)
class NotYet:
    """The run waits: for another one to end, or until a moment that its rate lets it begin at.

    `awoken`: the moment had come, or was to come, and now it waits for another one instead.
    """

    until: datetime | None
    awoken: bool = False


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


async def expect_room(session: AsyncSession, flow: Flow, row: WorkflowRun) -> None:
    """Before a run is stored: raises WorkflowBusy where it is refused."""
    limit = flow.settings.concurrency
    if limit is None or row.concurrency_key is None or limit.otherwise != "refuse":
        return
    await turns_crud.lock(session, row.concurrency_key)
    under_way = await turns_crud.unfinished(session, row.workspace_id, row.concurrency_key)
    if len(under_way) >= limit.limit:
        raise WorkflowBusy(f"At most {limit.limit} run at once.", retry_after=5)


async def turn_of(session: AsyncSession, flow: Flow, row: WorkflowRun) -> NotYet | None:
    """None where it is the run's turn, which is then noted."""
    if row.admitted_at is not None:
        return None
    await turns_crud.lock(session, *_keys_of(row))
    return await _decided(session, flow, row)


async def still_waits(session: AsyncSession, flow: Flow, row: WorkflowRun) -> bool:
    """Whether its turn has not come, for a run whose row is locked; else it asks again.

    So it does where another transaction decides about its keys: that one may want this row.
    """
    if not await turns_crud.try_lock(session, *_keys_of(row)):
        return False
    return await _decided(session, flow, row) is not None


async def next_after(
    session: AsyncSession, flow: Flow, row: WorkflowRun, not_yet: NotYet | None
) -> list[UUID]:
    """Who is to ask for their turn, once this run has begun, or waits.

    Each that begins asks for the next: several that end at once all see the same one wait.
    """
    found = []
    if not_yet is None or not_yet.until is not None:
        found.append(await _for_place(session, flow, row))
    if not_yet is None or not_yet.awoken:
        found.append(await _asleep(session, row))
    return [each for each in found if each is not None]


async def next_at_end(session: AsyncSession, flow: Flow, row: WorkflowRun) -> list[UUID]:
    """The same once it has ended; had it begun, its rate lets nobody begin for that."""
    found = [await _for_place(session, flow, row)]
    if row.admitted_at is None:
        found.append(await _asleep(session, row))
    return [each for each in found if each is not None]


async def _decided(session: AsyncSession, flow: Flow, row: WorkflowRun) -> NotYet | None:
    rate = flow.settings.rate
    if not await _has_place(session, flow.settings.concurrency, row):
        awoken = row.rate_key is not None and await turns_crud.awake(session, row)
        return NotYet(None, awoken)
    if rate is not None and row.rate_key is not None:
        until = await _moment(session, rate, row)
        if until is not None:
            await turns_crud.sleep(session, row, until)
            return NotYet(until)
        await turns_crud.awake(session, row)
    await turns_crud.admit(session, row, now())
    return None


async def _has_place(
    session: AsyncSession, concurrency: Concurrency | None, row: WorkflowRun
) -> bool:
    if concurrency is None or row.concurrency_key is None:
        return True
    return await turns_crud.is_next(session, row, concurrency.limit)


async def _moment(session: AsyncSession, rate: Rate, row: WorkflowRun) -> datetime | None:
    """When the rate lets the run begin, or has it ask again; None for now.

    Those that sleep and go before it take what is free, and what is free next.
    """
    moment, period = now(), timedelta(seconds=seconds_of(rate.per))
    begun = await turns_crud.admissions(session, row, moment - period, rate.limit)
    place = len(begun) + await turns_crud.asleep_before(session, row) - rate.limit
    if place < 0:
        return None
    if place < len(begun):
        return begun[place] + period
    return moment + period * (1 + (place - len(begun)) // rate.limit)


def _keys_of(row: WorkflowRun) -> list[str]:
    return [key for key in (row.concurrency_key, row.rate_key) if key is not None]


async def _for_place(session: AsyncSession, flow: Flow, row: WorkflowRun) -> UUID | None:
    """The run that waits for a place of this one's key, if one is free."""
    limit = flow.settings.concurrency
    if limit is None or row.concurrency_key is None:
        return None
    return await turns_crud.first_waiting(
        session, row.workspace_id, row.concurrency_key, row.id, limit.limit
    )


async def _asleep(session: AsyncSession, row: WorkflowRun) -> UUID | None:
    """The run that sleeps first for this one's rate: its moment may have become another."""
    if row.rate_key is None:
        return None
    return await turns_crud.first_asleep(session, row.workspace_id, row.rate_key, row.id)
