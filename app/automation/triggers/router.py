"""/v1/workflow-triggers."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.automation.engine.edge import StarterDep
from app.automation.engine.errors import InputsInvalid, WorkflowDisabled, WorkflowsTooDeep
from app.automation.triggers import service, shown
from app.automation.triggers.acting import ENDED
from app.automation.triggers.edge import Deleter, Reader, Writer
from app.automation.triggers.errors import (
    NoSecret,
    NoTimes,
    TooManyWorkflowTriggers,
    VersionAuthorLacks,
    WorkflowDeliveryNotFound,
    WorkflowDeliveryTaken,
    WorkflowInputsInvalid,
    WorkflowTriggerInvalid,
    WorkflowTriggerNotFound,
    WorkflowTriggerNotYours,
)
from app.automation.triggers.models import WorkflowDelivery
from app.automation.triggers.schemas import (
    TimesQuery,
    WorkflowDeliveryQuery,
    WorkflowDeliveryRead,
    WorkflowFired,
    WorkflowTriggerCreate,
    WorkflowTriggerCreated,
    WorkflowTriggerFire,
    WorkflowTriggerQuery,
    WorkflowTriggerRead,
    WorkflowTriggerRotate,
    WorkflowTriggerTimes,
    WorkflowTriggerUpdate,
)
from app.automation.workflows.errors import (
    WorkflowLabelNotFound,
    WorkflowNotFound,
    WorkflowVersionNotFound,
)
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

router = guarded_router(prefix="/v1/workflow-triggers", tag="workflow triggers")

REFERENCES = (WorkflowNotFound, WorkflowVersionNotFound, WorkflowLabelNotFound)


@router.get(
    "",
    operation_id="workflow_triggers_list",
    summary="List triggers, newest first",
    response_model=Page[WorkflowTriggerRead],
    responses=problems(CursorInvalid),
)
async def list_triggers(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[WorkflowTriggerQuery, Query()],
) -> object:
    found = await service.page(session, access, query, kernel.cursors)
    return found.map(lambda trigger: shown.read(kernel, access, trigger))


@router.post(
    "",
    operation_id="workflow_triggers_create",
    summary="Have a workflow start by itself",
    description=(
        "At times, when something is posted, when something has happened, or when a form is filled "
        "in; always on your behalf, with the rights that you have by then. The secret of a webhook "
        "is in this answer alone."
    ),
    status_code=201,
    responses=problems(*REFERENCES, WorkflowTriggerInvalid, TooManyWorkflowTriggers),
)
async def create_trigger(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    new: WorkflowTriggerCreate,
    response: Response,
) -> WorkflowTriggerCreated:
    made, secret = await service.create(session, kernel.vault, access, new)
    response.headers["Location"] = f"/v1/workflow-triggers/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return shown.created(kernel, access, made, secret)


@router.get(
    "/{workflow_trigger_id}",
    operation_id="workflow_triggers_get",
    summary="Show a trigger",
    responses=problems(WorkflowTriggerNotFound),
)
async def get_trigger(
    access: Reader, session: Session, kernel: KernelDep, workflow_trigger_id: UUID
) -> WorkflowTriggerRead:
    found = await service.get(session, access, workflow_trigger_id)
    return shown.read(kernel, access, found)


@router.patch(
    "/{workflow_trigger_id}",
    operation_id="workflow_triggers_update",
    summary="Change a trigger, or switch it on or off; it then acts on your behalf",
    responses=problems(WorkflowTriggerNotFound, *REFERENCES, WorkflowTriggerInvalid),
)
async def update_trigger(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    workflow_trigger_id: UUID,
    change: WorkflowTriggerUpdate,
) -> WorkflowTriggerRead:
    made = await service.update(session, kernel.vault, access, workflow_trigger_id, change)
    return shown.read(kernel, access, made)


@router.delete(
    "/{workflow_trigger_id}",
    operation_id="workflow_triggers_delete",
    summary="Delete a trigger; it can be restored for 30 days",
    status_code=204,
    responses=problems(WorkflowTriggerNotFound),
)
async def delete_trigger(access: Deleter, session: Session, workflow_trigger_id: UUID) -> None:
    await service.delete(session, access, workflow_trigger_id)


@router.post(
    "/{workflow_trigger_id}/restore",
    operation_id="workflow_triggers_restore",
    summary="Bring a deleted trigger back; it then acts on your behalf",
    responses=problems(WorkflowTriggerNotFound, TooManyWorkflowTriggers, RestoreExpired),
)
async def restore_trigger(
    access: Writer, session: Session, kernel: KernelDep, workflow_trigger_id: UUID
) -> WorkflowTriggerRead:
    found = await service.restore(session, access, workflow_trigger_id)
    return shown.read(kernel, access, found)


@router.post(
    "/{workflow_trigger_id}/rotate",
    operation_id="workflow_triggers_rotate",
    summary="Give a trigger a fresh secret, or another address",
    responses=problems(WorkflowTriggerNotFound, WorkflowTriggerNotYours, NoSecret),
)
async def rotate_trigger(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    workflow_trigger_id: UUID,
    wanted: WorkflowTriggerRotate,
    response: Response,
) -> WorkflowTriggerCreated:
    made, secret = await service.rotate(
        session, kernel.vault, access, workflow_trigger_id, wanted.what
    )
    response.headers["Cache-Control"] = "no-store"
    return shown.created(kernel, access, made, secret)


@router.get(
    "/{workflow_trigger_id}/next",
    operation_id="workflow_trigger_times_list",
    summary="List the times for which a cron trigger fires next",
    responses=problems(WorkflowTriggerNotFound, NoTimes),
)
async def list_times(
    access: Reader,
    session: Session,
    workflow_trigger_id: UUID,
    query: Annotated[TimesQuery, Query()],
) -> WorkflowTriggerTimes:
    times = await service.times(session, access, workflow_trigger_id, query)
    return WorkflowTriggerTimes(data=list(times))


@router.post(
    "/{workflow_trigger_id}/fire",
    operation_id="workflow_triggers_fire",
    summary="Fire a trigger as if that had come",
    description=(
        "Its run begins a moment later; the delivery says which it is. With `dry_run` all is "
        "checked and the run's inputs are shown, and nothing begins."
    ),
    status_code=202,
    responses=problems(
        WorkflowTriggerNotFound,
        WorkflowTriggerNotYours,
        WorkflowInputsInvalid,
        InputsInvalid,
        WorkflowDisabled,
        WorkflowsTooDeep,
        VersionAuthorLacks,
        *REFERENCES,
        *ENDED,
    ),
)
async def fire_trigger(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    starter: StarterDep,
    workflow_trigger_id: UUID,
    sample: WorkflowTriggerFire | None = None,
) -> WorkflowFired:
    came = sample or WorkflowTriggerFire()
    delivery, inputs = await service.fire(
        session, kernel, starter, access, workflow_trigger_id, came
    )
    return shown.fired(delivery, inputs)


@router.get(
    "/{workflow_trigger_id}/deliveries",
    operation_id="workflow_deliveries_list",
    summary="List each time a trigger fired, or refused to, newest first",
    description="The last hundred are kept, and all of the last two days.",
    response_model=Page[WorkflowDeliveryRead],
    responses=problems(WorkflowTriggerNotFound, CursorInvalid),
)
async def list_deliveries(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    workflow_trigger_id: UUID,
    query: Annotated[WorkflowDeliveryQuery, Query()],
) -> object:
    return await service.deliveries(session, access, workflow_trigger_id, query, kernel.cursors)


@router.get(
    "/{workflow_trigger_id}/deliveries/{workflow_delivery_id}",
    operation_id="workflow_deliveries_get",
    summary="Show what came of a time that a trigger fired",
    response_model=WorkflowDeliveryRead,
    responses=problems(WorkflowTriggerNotFound, WorkflowDeliveryNotFound),
)
async def get_delivery(
    access: Reader, session: Session, workflow_trigger_id: UUID, workflow_delivery_id: UUID
) -> WorkflowDelivery:
    return await service.get_delivery(session, access, workflow_trigger_id, workflow_delivery_id)


@router.post(
    "/{workflow_trigger_id}/deliveries/{workflow_delivery_id}/retry",
    operation_id="workflow_deliveries_retry",
    summary="Try a delivery anew that was skipped or has failed",
    status_code=202,
    response_model=WorkflowDeliveryRead,
    responses=problems(WorkflowTriggerNotFound, WorkflowDeliveryNotFound, WorkflowDeliveryTaken),
)
async def retry_delivery(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    workflow_trigger_id: UUID,
    workflow_delivery_id: UUID,
) -> WorkflowDelivery:
    return await service.redeliver(
        session, kernel, access, workflow_trigger_id, workflow_delivery_id
    )
