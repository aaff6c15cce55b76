"""The ticker: what is due at a time is delivered once, whichever process looks."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.automation.triggers import crud
from app.automation.triggers.cron import CronUnfit, Schedule, due, fires_at, times_after
from app.automation.triggers.firing import Came, deliver
from app.automation.triggers.mapping import came
from app.automation.triggers.models import WorkflowTrigger
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession
from app.core.jobs import Job
from app.core.kernel import Kernel

TICKER: Final = "workflow-ticker"
AT_ONCE: Final = 50
EXPRESSION_UNFIT: Final = "expression_unfit"


class Ticker:
    """Of one process."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def job(self) -> Job:
        return Job(TICKER, timedelta(seconds=1), self.run)

    async def run(self) -> None:
        at = now()
        if await crud.any_due(self._kernel.database, at):
            await self.tick(at)

    async def tick(self, at: datetime) -> None:
        """Deliver every time that is due at this moment."""
        fired = AT_ONCE
        while fired == AT_ONCE:
            async with self._kernel.database.unit(SYSTEM) as session:
                triggers = await crud.due(session, at, AT_ONCE)
                for trigger in triggers:
                    await self._fire(session, trigger, at)
                fired = len(triggers)

    async def _fire(self, session: AsyncSession, trigger: WorkflowTrigger, at: datetime) -> None:
        place = trigger.workspace_id, trigger.id
        since = trigger.scheduled_at or at
        schedule = schedule_of(trigger.settings)
        try:
            found = due(schedule, trigger.id, since, at)
        except CronUnfit:
            # The time zone is known no more.
            await crud.switch_off(session, *place, EXPRESSION_UNFIT)
            return
        for time in found.times:
            what = came(scheduled_at=time)
            await deliver(session, self._kernel, trigger, Came(key_of(trigger.id, time), what))
        await crud.move(session, *place, **_next(schedule, trigger.id, found.next))


def key_of(trigger_id: UUID, time: datetime) -> str:
    return f"cron:{trigger_id}:{time.isoformat()}"


def schedule_of(settings: dict[str, Any]) -> Schedule:
    """Of a cron trigger's settings."""
    return Schedule(
        settings["expression"],
        settings["time_zone"],
        settings["catch_up"],
        settings["jitter_seconds"],
    )


def begin(trigger: WorkflowTrigger, at: datetime) -> None:
    """Have a cron trigger wait for its first time from now on; others wait for none."""
    values: dict[str, Any] = {"scheduled_at": None, "next_at": None}
    if trigger.kind == "cron" and trigger.enabled:
        schedule = schedule_of(trigger.settings)
        values = _next(schedule, trigger.id, next(times_after(schedule, at), None))
    trigger.scheduled_at, trigger.next_at = values["scheduled_at"], values["next_at"]


def _next(schedule: Schedule, trigger_id: UUID, time: datetime | None) -> dict[str, Any]:
    fires = fires_at(schedule, trigger_id, time) if time is not None else None
    return {"scheduled_at": time, "next_at": fires}
