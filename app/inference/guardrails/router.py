"""/v1/guardrails."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.guardrails import service
from app.inference.guardrails.compiling import compile_policy
from app.inference.guardrails.edge import GuardrailsDep
from app.inference.guardrails.errors import GuardrailInvalid, GuardrailNotFound
from app.inference.guardrails.models import Guardrail
from app.inference.guardrails.policies import PURPOSE
from app.inference.guardrails.schemas import (
    GuardrailCreate,
    GuardrailFinding,
    GuardrailQuery,
    GuardrailRead,
    GuardrailTrial,
    GuardrailTrialRead,
    GuardrailUpdate,
)
from app.inference.guardrails.trial import try_out
from app.inference.usage.payer import Payer

Reader = Annotated[Access, require(Permission.GUARDRAILS_READ)]
Writer = Annotated[Access, require(Permission.GUARDRAILS_WRITE)]

router = guarded_router(prefix="/v1/guardrails", tag="guardrails")


@router.get(
    "",
    operation_id="guardrails_list",
    summary="List guardrails, newest first",
    response_model=Page[GuardrailRead],
    responses=problems(CursorInvalid),
)
async def list_guardrails(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[GuardrailQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="guardrails_create",
    summary="Make a guardrail",
    status_code=201,
    response_model=GuardrailRead,
    responses=problems(GuardrailInvalid),
)
async def create_guardrail(
    access: Writer,
    session: Session,
    guardrails: GuardrailsDep,
    new: GuardrailCreate,
    response: Response,
) -> Guardrail:
    made = await service.create(session, access, new, guardrails.forget)
    response.headers["Location"] = f"/v1/guardrails/{made.id}"
    return made


@router.get(
    "/{guardrail_id}",
    operation_id="guardrails_get",
    summary="Show a guardrail",
    response_model=GuardrailRead,
    responses=problems(GuardrailNotFound),
)
async def get_guardrail(access: Reader, session: Session, guardrail_id: UUID) -> Guardrail:
    return await service.get(session, access, guardrail_id)


@router.patch(
    "/{guardrail_id}",
    operation_id="guardrails_update",
    summary="Change a guardrail",
    response_model=GuardrailRead,
    responses=problems(GuardrailNotFound, GuardrailInvalid),
)
async def update_guardrail(
    access: Writer,
    session: Session,
    guardrails: GuardrailsDep,
    guardrail_id: UUID,
    change: GuardrailUpdate,
) -> Guardrail:
    return await service.update(session, access, guardrail_id, change, guardrails.forget)


@router.delete(
    "/{guardrail_id}",
    operation_id="guardrails_delete",
    summary="Delete a guardrail; it can be restored for 30 days",
    status_code=204,
    responses=problems(GuardrailNotFound),
)
async def delete_guardrail(
    access: Writer, session: Session, guardrails: GuardrailsDep, guardrail_id: UUID
) -> None:
    await service.delete(session, access, guardrail_id, guardrails.forget)


@router.post(
    "/{guardrail_id}/restore",
    operation_id="guardrails_restore",
    summary="Bring a deleted guardrail back",
    response_model=GuardrailRead,
    responses=problems(GuardrailNotFound, RestoreExpired),
)
async def restore_guardrail(
    access: Writer, session: Session, guardrails: GuardrailsDep, guardrail_id: UUID
) -> Guardrail:
    return await service.restore(session, access, guardrail_id, guardrails.forget)


@router.post(
    "/{guardrail_id}/test",
    operation_id="guardrails_test",
    summary="Try a guardrail on a text",
    response_model=GuardrailTrialRead,
    responses=problems(GuardrailNotFound),
    dependencies=[off_rails("it changes nothing; a judging model is asked anew each time")],
)
async def test_guardrail(
    access: Writer,
    kernel: KernelDep,
    guardrails: GuardrailsDep,
    guardrail_id: UUID,
    trial: GuardrailTrial,
) -> GuardrailTrialRead:
    async with kernel.database.unit(access.scope) as session:
        policy = compile_policy(await service.get(session, access, guardrail_id))
    payer = Payer(access.workspace_id, access.user_id, PURPOSE)
    tried = await try_out(policy, trial.text, trial.stage, payer=payer, outside=guardrails.outside)
    findings = [
        GuardrailFinding.model_validate(
            {**asdict(found), "start": span and span.start, "end": span and span.end}
        )
        for found, span in tried.findings
    ]
    return GuardrailTrialRead(
        refused=tried.refused, text=tried.text, findings=findings, failed=tried.failed
    )
