"""Starts the runs of what came to triggers: each once, however often processes die."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from app.automation.engine.errors import WorkflowBusy, WorkflowDisabled
from app.automation.engine.starting import Starter
from app.automation.nodes.starting import RunWanted
from app.automation.triggers import crud, deliveries_crud
from app.automation.triggers.acting import ENDED, acting
from app.automation.triggers.errors import (
    ChainTooLong,
    VersionAuthorLacks,
    WorkflowTriggerDisabled,
    WorkflowTriggerNotFound,
)
from app.automation.triggers.mapping import inputs_of
from app.automation.triggers.models import WorkflowDelivery, WorkflowTrigger
from app.automation.workflows.errors import WorkflowNotFound
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, Scope, on_commit
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.jobs import Job
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.turns import Turns

log = get_logger(__name__)

DELIVERIES: Final = "workflow-deliveries"
MANUAL: Final = "manual"
AT_ONCE: Final = 8
LEASE: Final = timedelta(minutes=2)
BACKOFF: Final = timedelta(seconds=5)
LONGEST_BACKOFF: Final = timedelta(minutes=10)
MOST_ATTEMPTS: Final = 10
MOST_DETAIL: Final = 500
MOST_DEPTH: Final = 8
TOO_MANY_FAILURES: Final = "too_many_failures"
# Why a trigger has nothing to start for now; that is no failure of its own.
SKIPPED: Final[tuple[type[AppError], ...]] = (
    WorkflowNotFound,
    WorkflowDisabled,
    WorkflowBusy,
    WorkflowTriggerNotFound,
    WorkflowTriggerDisabled,
    VersionAuthorLacks,
)


@dataclass(frozen=True, slots=True)
class Came:
    """Something for a trigger: `what` came, and the `key` that is the same whenever it comes.

    `caller` is the API key that fired it by hand.
    """

    key: str
    what: Mapping[str, Any]
    depth: int = 0
    caller: dict[str, Any] | None = None


def expect_end(depth: int) -> int:
    """How many runs are behind something that came; raises ChainTooLong."""
    if depth > MOST_DEPTH:
        raise ChainTooLong(f"At most {MOST_DEPTH} runs begin one another by what they do.")
    return depth


def run_id_of(trigger: WorkflowTrigger, key: str) -> UUID:
    """The run that a key starts, as the engine names it."""
    return uuid5(trigger.workflow_id, key)


async def deliver(
    session: AsyncSession, kernel: Kernel, trigger: WorkflowTrigger, came: Came
) -> UUID | None:
    """Have a run started, once this transaction has committed; None where it came before."""
    made = await deliveries_crud.add(
        session,
        id=new_id(),
        workspace_id=trigger.workspace_id,
        trigger_id=trigger.id,
        user_id=trigger.owner_id,
        key=came.key,
        event=dict(came.what),
        depth=came.depth,
        caller=came.caller,
    )
    if made is not None:
        on_commit(session, lambda: kernel.nudge(DELIVERIES))
    return made


async def deliver_again(
    session: AsyncSession, kernel: Kernel, workspace_id: UUID, delivery_id: UUID
) -> bool:
    """Have one that came to nothing tried anew, once this transaction has committed."""
    again = await deliveries_crud.again(session, workspace_id, delivery_id)
    if again:
        on_commit(session, lambda: kernel.nudge(DELIVERIES))
    return again


async def refuse(session: AsyncSession, trigger: WorkflowTrigger, key: str, why: AppError) -> None:
    """Write down that something came and was not taken."""
    await deliveries_crud.add(
        session,
        id=new_id(),
        workspace_id=trigger.workspace_id,
        trigger_id=trigger.id,
        user_id=trigger.owner_id,
        key=key,
        status="refused",
        reason=why.code,
        detail=why.detail[:MOST_DETAIL],
        ended_at=now(),
    )


def wanted_of(trigger: WorkflowTrigger, version: int, came: Came) -> RunWanted:
    """A run of that version, whatever is written meanwhile; raises WorkflowInputsInvalid."""
    return RunWanted(
        trigger.workflow_id,
        inputs_of(trigger, came.what),
        version,
        trigger=trigger.kind,
        trigger_id=trigger.id,
        key=came.key,
        depth=came.depth,
    )


class Firing:
    """Of one process."""

    def __init__(self, kernel: Kernel, starter: Starter) -> None:
        self._unit = kernel.database.unit
        self._starter = starter
        self._turns = Turns(WorkflowDelivery, AT_ONCE)

    def job(self) -> Job:
        return Job(DELIVERIES, timedelta(seconds=5), self.run)

    async def run(self) -> None:
        """Start what is due, until nothing is."""
        more = True
        while more:
            at = now()
            async with self._unit(SYSTEM) as session:
                taken = await self._turns.take(session, at, "id")
                ids = [row.id for row in taken.rows]
                due = await deliveries_crud.claim(session, ids, until=at + LEASE)
            await asyncio.gather(*(self.start(delivery) for delivery in due))
            more = taken.more

    async def start(self, delivery: WorkflowDelivery) -> None:
        """Start what this process has claimed.

        One that ends in an error which nobody foresaw comes again when its lease is over, as often
        as one that fails for a passing reason.
        """
        try:
            try:
                access, wanted = await self._ready(delivery)
                run = await self._starter.start(access, wanted)
            except AppError as error:
                await self._not_started(delivery, error)
            else:
                await self._started(delivery, run.id)
        except Exception as error:  # noqa: BLE001 - the other deliveries go on
            log.warning("not_delivered", delivery_id=str(delivery.id), reason=repr(error))
            if delivery.attempts >= MOST_ATTEMPTS:
                await self._given_up(delivery)

    async def _given_up(self, delivery: WorkflowDelivery) -> None:
        try:
            await self._not_started(delivery, AppError("The server's log has the cause."))
        except Exception as error:  # noqa: BLE001 - it comes again when its lease is over
            log.warning("not_given_up", delivery_id=str(delivery.id), reason=repr(error))

    async def _ready(self, delivery: WorkflowDelivery) -> tuple[Access, RunWanted]:
        workspace_id = delivery.workspace_id
        async with self._unit(Scope(workspace_id, delivery.user_id)) as session:
            trigger = await crud.living(session, workspace_id, delivery.trigger_id)
            if trigger is None:
                raise WorkflowTriggerNotFound
            if not trigger.enabled and not delivery.key.startswith(MANUAL):
                raise WorkflowTriggerDisabled
            found = await acting(session, trigger, delivery.caller)
        came = Came(delivery.key, delivery.event or {}, delivery.depth)
        return found.access, wanted_of(trigger, found.version, came)

    async def _started(self, delivery: WorkflowDelivery, run_id: UUID) -> None:
        place, at = (delivery.workspace_id, delivery.trigger_id), now()
        async with self._unit(Scope(delivery.workspace_id, delivery.user_id)) as session:
            await deliveries_crud.settle(
                session,
                delivery.workspace_id,
                delivery.id,
                status="started",
                run_id=run_id,
                event=None,
                reason=None,
                detail=None,
                ended_at=at,
            )
            await crud.move(session, *place, last_fired_at=at, failures=0)

    async def _not_started(self, delivery: WorkflowDelivery, error: AppError) -> None:
        said = {"reason": error.code, "detail": error.detail[:MOST_DETAIL]}
        skipped, ended = isinstance(error, SKIPPED), isinstance(error, ENDED)
        again = error.retryable and delivery.attempts < MOST_ATTEMPTS and not (skipped or ended)
        status = "skipped" if skipped else "refused" if ended else "failed"
        values = {"due_at": _later(delivery.attempts)} if again else _over(status)
        place = delivery.workspace_id, delivery.trigger_id
        async with self._unit(Scope(delivery.workspace_id, delivery.user_id)) as session:
            mine = await deliveries_crud.settle(
                session, delivery.workspace_id, delivery.id, **said, **values
            )
            if not mine or again or skipped:
                return
            if ended:
                if delivery.caller is None:
                    await self._switch_off(session, delivery, error.code)
            elif await crud.count_failure(session, *place):
                await self._switch_off(session, delivery, TOO_MANY_FAILURES)

    async def _switch_off(
        self, session: AsyncSession, delivery: WorkflowDelivery, reason: str
    ) -> None:
        place = delivery.workspace_id, delivery.trigger_id
        if await crud.switch_off(session, *place, reason):
            told = Note(
                "workflow_trigger.switched_off",
                "workflow_trigger",
                delivery.trigger_id,
                workspace_id=delivery.workspace_id,
                actor_id=delivery.user_id,
                detail={"reason": reason},
            )
            note(session, told)


def _later(attempts: int) -> datetime:
    return now() + min(BACKOFF * (1 << min(attempts - 1, 16)), LONGEST_BACKOFF)


def _over(status: str) -> dict[str, Any]:
    return {"status": status, "ended_at": now()}
