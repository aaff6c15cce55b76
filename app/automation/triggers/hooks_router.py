"""/hooks and /v1/workflow-forms: where what starts workflows comes from outside."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Path

from app.automation.triggers import receiving, shown
from app.automation.triggers.edge import PostedDep, Runner
from app.automation.triggers.errors import (
    ChainTooLong,
    FormInvalid,
    FormNotFound,
    HookBodyTooLarge,
    HookBodyUnreadable,
    HookNotFound,
    HookSignatureInvalid,
    HookTooOld,
    WorkflowTriggerDisabled,
)
from app.automation.triggers.models import WorkflowTrigger
from app.automation.triggers.schemas import (
    WorkflowFormRead,
    WorkflowFormSubmit,
    WorkflowHookAccepted,
)
from app.core.http.guard import KernelDep, guarded_router, public
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session, SystemSession
from app.core.limits import RateLimited

hooks = guarded_router(prefix="/hooks", tag="workflow triggers")
forms = guarded_router(prefix="/v1/workflow-forms/{form_token}", tag="workflow forms")
own_forms = guarded_router(
    prefix="/v1/workflow-triggers/{workflow_form_id}/form", tag="workflow forms"
)

# Whatever a sender sends.
BODY: Final[dict[str, Any]] = {"requestBody": {"content": {"*/*": {"schema": {}}}}}
Token = Annotated[str, Path(max_length=100, description="Of the trigger's address.")]


async def _form_of(kernel: KernelDep, form_token: Token) -> WorkflowTrigger:
    return await receiving.public_form(kernel, form_token)


FormDep = Annotated[WorkflowTrigger, Depends(_form_of)]


@hooks.post(
    "/{hook_token}",
    operation_id="workflow_hooks_receive",
    summary="Where a webhook is sent that starts a workflow",
    description=(
        "Any body of at most 1 MiB: JSON, the fields of a form, or text. It is signed as the "
        "trigger asks. The same message is the same run, however often it comes."
    ),
    dependencies=[public, off_rails("the same message is the same run")],
    status_code=202,
    openapi_extra=BODY,
    responses=problems(
        HookNotFound,
        HookSignatureInvalid,
        HookTooOld,
        HookBodyTooLarge,
        HookBodyUnreadable,
        WorkflowTriggerDisabled,
        ChainTooLong,
        RateLimited,
    ),
)
async def receive_hook(
    kernel: KernelDep, hook_token: Token, posted: PostedDep
) -> WorkflowHookAccepted:
    return await receiving.receive(kernel, hook_token, posted)


@forms.get(
    "",
    operation_id="workflow_forms_get",
    summary="Show a form that is for everybody",
    dependencies=[public],
    responses=problems(FormNotFound),
)
async def get_form(trigger: FormDep) -> WorkflowFormRead:
    return shown.form(trigger)


@forms.post(
    "",
    operation_id="workflow_forms_submit",
    summary="Send a form that is for everybody",
    dependencies=[public, sensitive],
    status_code=202,
    responses=problems(FormNotFound, FormInvalid, ChainTooLong),
)
async def submit_form(
    session: SystemSession, kernel: KernelDep, trigger: FormDep, form: WorkflowFormSubmit
) -> WorkflowHookAccepted:
    return await receiving.submit(session, kernel, trigger, form.data)


@own_forms.get(
    "",
    operation_id="workflow_trigger_forms_get",
    summary="Show a form that is for the members of the workspace",
    responses=problems(FormNotFound),
)
async def get_own_form(
    access: Runner, session: Session, workflow_form_id: UUID
) -> WorkflowFormRead:
    place = access.workspace_id, workflow_form_id
    return shown.form(await receiving.workspace_form(session, *place))


@own_forms.post(
    "",
    operation_id="workflow_trigger_forms_submit",
    summary="Send a form that is for the members of the workspace",
    status_code=202,
    responses=problems(FormNotFound, FormInvalid, ChainTooLong),
)
async def submit_own_form(
    access: Runner,
    session: Session,
    kernel: KernelDep,
    workflow_form_id: UUID,
    form: WorkflowFormSubmit,
) -> WorkflowHookAccepted:
    place = access.workspace_id, workflow_form_id
    trigger = await receiving.workspace_form(session, *place)
    return await receiving.submit(session, kernel, trigger, form.data)
