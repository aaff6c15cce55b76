"""Events of the outbox, brought to the triggers that wait for them."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.automation.concerns import TO_TRIGGERS
from app.automation.language.expressions import MATCH_TURNS, evaluate
from app.automation.language.faults import StepFault
from app.automation.triggers import crud, runs_crud
from app.automation.triggers.errors import ChainTooLong
from app.automation.triggers.firing import Came, deliver, expect_end, refuse
from app.automation.triggers.mapping import came
from app.automation.triggers.models import WorkflowTrigger
from app.core.db import AsyncSession
from app.core.kernel import Kernel
from app.core.log import get_logger
from app.core.outbox import Event

log = get_logger(__name__)


class TriggersSubscriber:
    """Each event becomes a delivery of each trigger that it is for, once."""

    name = "workflow-triggers"
    concerned = TO_TRIGGERS

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    async def on_events(self, session: AsyncSession, events: Sequence[Event]) -> None:
        places = {(event.workspace_id, event.type) for event in events}
        listening: dict[tuple[UUID, str | None], list[WorkflowTrigger]] = {}
        for trigger in await crud.listening(session, places):
            listening.setdefault((trigger.workspace_id, trigger.event_type), []).append(trigger)
        for event in events:
            told = shown(event)
            for trigger in listening.get((event.workspace_id, event.type), ()):
                await asyncio.sleep(0)  # many triggers may each have something to evaluate
                if _matches(trigger, told):
                    await self._bring(session, trigger, event, told)

    async def _bring(
        self, session: AsyncSession, trigger: WorkflowTrigger, event: Event, told: dict[str, Any]
    ) -> None:
        key = f"event:{trigger.id}:{event.id}"
        try:
            depth = expect_end(await _depth_of(session, event))
        except ChainTooLong as why:
            await refuse(session, trigger, key, why)
            return
        await deliver(session, self._kernel, trigger, Came(key, came(event=told), depth))


def shown(event: Event) -> dict[str, Any]:
    """An event as expressions see it."""
    return {
        "id": str(event.id),
        "type": event.type,
        "subject_id": str(event.subject_id) if event.subject_id else None,
        "user_id": str(event.user_id) if event.user_id else None,
        "data": dict(event.data),
        "created_at": event.created_at.isoformat().replace("+00:00", "Z"),
    }


def _matches(trigger: WorkflowTrigger, told: dict[str, Any]) -> bool:
    match = trigger.settings.get("match")
    if match is None:
        return True
    try:
        return evaluate(match, {"event": told}, MATCH_TURNS) is True
    except StepFault as fault:
        # An event without what is asked of it is not the one.
        log.debug("trigger_not_matched", trigger_id=str(trigger.id), reason=fault.message)
        return False


async def _depth_of(session: AsyncSession, event: Event) -> int:
    """How many runs are behind it; what a run of an agent does for a workflow is the latter's."""
    parent = event.data.get("parent_run_id")
    if not isinstance(parent, str):
        return event.depth
    try:
        known = await runs_crud.depth_behind(session, event.workspace_id, UUID(parent))
    except ValueError:
        known = 0
    return max(event.depth, known)
