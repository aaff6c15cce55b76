"""What a person does with triggers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

from app.automation.engine.starting import Starter
from app.automation.triggers import crud, deliveries_crud
from app.automation.triggers.acting import acting, caller_kept, key_kept
from app.automation.triggers.cron import times_after
from app.automation.triggers.errors import (
    NoSecret,
    NoTimes,
    WorkflowDeliveryNotFound,
    WorkflowDeliveryTaken,
    WorkflowTriggerInvalid,
    WorkflowTriggerNotFound,
    WorkflowTriggerNotYours,
)
from app.automation.triggers.firing import MANUAL, Came, deliver, deliver_again, wanted_of
from app.automation.triggers.keeping import (
    check_inputs,
    expect_one_version,
    seal_first,
    seal_next,
    settings_kept,
)
from app.automation.triggers.mapping import came
from app.automation.triggers.models import WorkflowDelivery, WorkflowTrigger
from app.automation.triggers.schemas import (
    TimesQuery,
    WorkflowDeliveryQuery,
    WorkflowTriggerCreate,
    WorkflowTriggerFire,
    WorkflowTriggerQuery,
    WorkflowTriggerUpdate,
)
from app.automation.triggers.ticking import begin, schedule_of
from app.automation.workflows import service as workflows
from app.automation.workflows.models import WorkflowVersion
from app.core import restorable
from app.core.auth import Access
from app.core.causes import runs_behind
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.core.paging import Cursors, Slice
from app.core.versions import match

OVERLAP: Final = timedelta(hours=24)
FIELDS: Final = ("name", "workflow_version", "label", "inputs", "max_failures", "enabled")
EVENT_FIELDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("id", "subject_id", "user_id", "created_at")),
    "data": {},
}


async def create(
    session: AsyncSession, vault: Vault, access: Access, new: WorkflowTriggerCreate
) -> tuple[WorkflowTrigger, str | None]:
    """The trigger, and the secret that its messages are signed with.

    Raises WorkflowNotFound, WorkflowVersionNotFound, WorkflowLabelNotFound, WorkflowTriggerInvalid
    and TooManyWorkflowTriggers.
    """
    settings = settings_kept(new.on)
    expect_one_version(new.workflow_version, new.label)
    check_inputs(new.inputs)
    workflow, version = await workflows.resolve(
        session, access, new.workflow, new.workflow_version, new.label
    )
    await crud.expect_room(session, access.workspace_id)
    trigger = WorkflowTrigger(
        id=new_id(),
        workspace_id=access.workspace_id,
        workflow_id=workflow.id,
        owner_id=access.user_id,
        caller=caller_kept(access, version),
        name=new.name,
        kind=new.on.kind,
        settings=settings,
        event_type=settings.get("type"),
        inputs=new.inputs,
        workflow_version=new.workflow_version,
        label=new.label,
        enabled=new.enabled,
        max_failures=new.max_failures,
    )
    secret = seal_first(vault, trigger, new.on)
    begin(trigger, now())
    await crud.save(session, trigger)
    return trigger, secret


async def get(
    session: AsyncSession, access: Access, trigger_id: UUID, *, for_update: bool = False
) -> WorkflowTrigger:
    """A living one that the caller sees; raises WorkflowTriggerNotFound."""
    found = await _any(session, access, trigger_id, for_update=for_update)
    if found.deleted_at is not None:
        raise WorkflowTriggerNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: WorkflowTriggerQuery, cursors: Cursors
) -> Slice[WorkflowTrigger]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def update(
    session: AsyncSession,
    vault: Vault,
    access: Access,
    trigger_id: UUID,
    change: WorkflowTriggerUpdate,
) -> WorkflowTrigger:
    """From then on it acts for whoever changed it, since they answer for what it runs by now.

    Raises WorkflowTriggerNotFound, and what `create` raises.
    """
    given = change.model_fields_set
    trigger = await get(session, access, trigger_id, for_update=True)
    await match(session, trigger)
    for field in FIELDS:
        if field in given:
            setattr(trigger, field, getattr(change, field))
    if given & {"workflow_version", "label"}:
        expect_one_version(trigger.workflow_version, trigger.label)
    if change.on is not None:
        if change.on.kind != trigger.kind:
            raise WorkflowTriggerInvalid("/body/on/kind", f"It is of the kind {trigger.kind}.")
        trigger.settings = settings_kept(change.on)
        trigger.event_type = trigger.settings.get("type")
        seal_next(vault, trigger, change.on, now() + OVERLAP)
    check_inputs(trigger.inputs)
    reference = change.workflow or trigger.workflow_id
    workflow, version = await workflows.resolve(
        session, access, reference, trigger.workflow_version, trigger.label
    )
    trigger.workflow_id = workflow.id
    _take_on(trigger, access, version)
    if given & {"on", "enabled"}:
        begin(trigger, now())
    await crud.save(session, trigger)
    return trigger


async def delete(session: AsyncSession, access: Access, trigger_id: UUID) -> None:
    """Soft: it fires no more, and `restore` brings it back for 30 days."""
    trigger = await get(session, access, trigger_id, for_update=True)
    await match(session, trigger)
    trigger.deleted_at, trigger.next_at = now(), None
    await session.flush()


async def restore(session: AsyncSession, access: Access, trigger_id: UUID) -> WorkflowTrigger:
    """From then on it acts for whoever restored it; times that have passed are not made up for.

    Raises WorkflowTriggerNotFound, RestoreExpired and TooManyWorkflowTriggers.
    """
    trigger = await _any(session, access, trigger_id, for_update=True)
    restorable.expect_restorable(trigger)
    if trigger.deleted_at is not None:
        await crud.expect_room(session, access.workspace_id)
        trigger.deleted_at = None
        _take_on(trigger, access)
        begin(trigger, now())
        await crud.save(session, trigger)
    return trigger


async def rotate(
    session: AsyncSession, vault: Vault, access: Access, trigger_id: UUID, what: str
) -> tuple[WorkflowTrigger, str | None]:
    """The trigger, and its fresh secret where that was wanted.

    Raises WorkflowTriggerNotFound, WorkflowTriggerNotYours and NoSecret.
    """
    trigger = await _own(session, access, trigger_id)
    await match(session, trigger)
    secret = None
    if what == "url":
        if trigger.kind not in ("webhook", "form"):
            raise NoSecret(f"A trigger of the kind {trigger.kind} has no address.")
        trigger.token_number += 1
    else:
        secret = seal_next(vault, trigger, None, now() + OVERLAP)
        if secret is None:
            raise NoSecret("Nothing that comes to it is signed.")
    await crud.save(session, trigger)
    return trigger, secret


async def times(
    session: AsyncSession, access: Access, trigger_id: UUID, query: TimesQuery
) -> Sequence[datetime]:
    """Raises WorkflowTriggerNotFound and NoTimes."""
    trigger = await get(session, access, trigger_id)
    if trigger.kind != "cron":
        raise NoTimes
    schedule = schedule_of(trigger.settings)
    return [*islice(times_after(schedule, query.after or now()), query.count)]


async def fire(
    session: AsyncSession,
    kernel: Kernel,
    starter: Starter,
    access: Access,
    trigger_id: UUID,
    sample: WorkflowTriggerFire,
) -> tuple[WorkflowDelivery, dict[str, Any]]:
    """Fire it as if that had come, also where it is switched off; with the run's inputs.

    Raises WorkflowTriggerNotFound, WorkflowTriggerNotYours, WorkflowInputsInvalid, and what keeps
    its owner or its run from beginning.
    """
    trigger = await _own(session, access, trigger_id)
    what = came(
        event={**EVENT_FIELDS, "type": trigger.event_type, **sample.event},
        body=sample.body,
        headers={name.lower(): value for name, value in sample.headers.items()},
        scheduled_at=sample.scheduled_at or (now() if trigger.kind == "cron" else None),
    )
    fired_with = key_kept(access, trigger)
    coming = Came(f"{MANUAL}:{trigger.id}:{new_id()}", what, runs_behind(), fired_with)
    found = await acting(session, trigger, fired_with)
    wanted = wanted_of(trigger, found.version, coming)
    ready = await starter.prepare(session, found.access, wanted)
    delivery_id = await deliver(session, kernel, trigger, coming)
    if delivery_id is None:
        raise RuntimeError("a key with an id of its own is new")
    delivery = await get_delivery(session, access, trigger_id, delivery_id)
    return delivery, ready.row.inputs


async def deliveries(
    session: AsyncSession,
    access: Access,
    trigger_id: UUID,
    query: WorkflowDeliveryQuery,
    cursors: Cursors,
) -> Slice[WorkflowDelivery]:
    """Raises WorkflowTriggerNotFound."""
    trigger = await get(session, access, trigger_id)
    return await deliveries_crud.page(session, access.workspace_id, trigger.id, query, cursors)


async def get_delivery(
    session: AsyncSession, access: Access, trigger_id: UUID, delivery_id: UUID
) -> WorkflowDelivery:
    """Raises WorkflowTriggerNotFound and WorkflowDeliveryNotFound."""
    trigger = await get(session, access, trigger_id)
    found = await deliveries_crud.get(session, access.workspace_id, trigger.id, delivery_id)
    if found is None:
        raise WorkflowDeliveryNotFound
    return found


async def redeliver(
    session: AsyncSession, kernel: Kernel, access: Access, trigger_id: UUID, delivery_id: UUID
) -> WorkflowDelivery:
    """Try one that came to nothing anew, with what came then.

    Raises WorkflowTriggerNotFound, WorkflowDeliveryNotFound and WorkflowDeliveryTaken.
    """
    delivery = await get_delivery(session, access, trigger_id, delivery_id)
    if not await deliver_again(session, kernel, access.workspace_id, delivery.id):
        raise WorkflowDeliveryTaken
    await session.refresh(delivery)
    return delivery


async def _own(session: AsyncSession, access: Access, trigger_id: UUID) -> WorkflowTrigger:
    trigger = await get(session, access, trigger_id, for_update=True)
    if trigger.owner_id != access.user_id:
        raise WorkflowTriggerNotYours("Change it, and it is yours.")
    return trigger


async def _any(
    session: AsyncSession, access: Access, trigger_id: UUID, *, for_update: bool
) -> WorkflowTrigger:
    """One that the caller sees, a deleted one included."""
    place = access.workspace_id, access.user_id
    found = await crud.get(session, *place, trigger_id, for_update=for_update)
    if found is None:
        raise WorkflowTriggerNotFound
    return found


def _take_on(
    trigger: WorkflowTrigger, access: Access, version: WorkflowVersion | None = None
) -> None:
    trigger.owner_id, trigger.caller = access.user_id, caller_kept(access, version)
    trigger.disabled_reason, trigger.failures = None, 0
