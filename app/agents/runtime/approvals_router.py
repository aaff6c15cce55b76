"""Calls of tools that wait for a person, over HTTP: list them, look, decide."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.agents.runtime import service
from app.agents.runtime.errors import ApprovalDecided, ApprovalNotFound
from app.agents.runtime.models import ToolApproval
from app.agents.runtime.schemas import ApprovalDecision, ApprovalQuery, ApprovalRead
from app.core.auth import Access, Permission
from app.core.errors import Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, Slice
from app.runs.runs.bundle import RunsDep

Decider = Annotated[Access, require(Permission.AGENTS_RUN)]

router = guarded_router(prefix="/v1/approvals", tag="approvals")


@router.get(
    "",
    operation_id="approvals_list",
    summary="List calls of tools that wait for a person, or waited",
    description="Those of the caller's own runs; whoever may change agents sees everyone's.",
    response_model=Page[ApprovalRead],
    responses=problems(CursorInvalid, Unauthenticated, ScopeMissing),
)
async def list_approvals(
    query: Annotated[ApprovalQuery, Query()], access: Decider, session: Session, kernel: KernelDep
) -> Slice[ToolApproval]:
    return await service.approvals_page(session, access, query, kernel.cursors)


@router.get(
    "/{approval_id}",
    operation_id="approvals_get",
    summary="Show a call that waits for a person",
    response_model=ApprovalRead,
    responses=problems(ApprovalNotFound, Unauthenticated, ScopeMissing),
)
async def get_approval(approval_id: UUID, access: Decider, session: Session) -> ToolApproval:
    return await service.approval(session, access, approval_id)


@router.post(
    "/{approval_id}",
    operation_id="approvals_decide",
    summary="Agree to a call, or decline it",
    description="Decided once; the run goes on with exactly the arguments that are shown.",
    response_model=ApprovalRead,
    responses=problems(ApprovalNotFound, ApprovalDecided, Unauthenticated, ScopeMissing),
)
async def decide_approval(
    approval_id: UUID,
    decision: ApprovalDecision,
    access: Decider,
    session: Session,
    running: RunsDep,
) -> ToolApproval:
    return await service.decide(session, access, running, approval_id, decision)
