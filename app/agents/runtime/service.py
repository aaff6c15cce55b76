"""What callers may do with agents' runs: look, decide approvals, resume."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.agents.context.composing import CONTEXT
from app.agents.memory.explaining import explained
from app.agents.runtime import crud
from app.agents.runtime.errors import ApprovalDecided, ApprovalNotFound, RunNotPaused
from app.agents.runtime.models import Execution, ExecutionStep, ToolApproval
from app.agents.runtime.schemas import (
    AgentRunRead,
    ApprovalDecision,
    ApprovalQuery,
    ExecutionQuery,
)
from app.agents.runtime.work import KIND
from app.core.audit import Note, note
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.paging import Cursors, Slice
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs
from app.runs.runs.errors import RunNotFound
from app.runs.runs.models import Run


@dataclass(frozen=True, slots=True)
class Shown:
    """A run, with what it was begun with."""

    run: Run
    execution: Execution

    def read(self) -> AgentRunRead:
        run, execution = self.run, self.execution
        result: dict[str, Any] = run.result or {}
        return AgentRunRead.model_validate(
            {
                "object": "agent_run",
                "id": run.id,
                "status": run.status,
                "agent_id": execution.agent_id,
                "agent": execution.agent_slug,
                "agent_version": execution.agent_version,
                "output": result.get("output"),
                "text": result.get("text"),
                "error": run.error,
                "steps": result.get("steps"),
                "tool_calls": result.get("tool_calls"),
                "input_tokens": run.input_tokens,
                "output_tokens": run.output_tokens,
                "cost_usd": run.cost_usd,
                "parent_run_id": execution.parent_run_id,
                "forked_from_id": execution.forked_from_id,
                "forked_at": execution.forked_at,
                "metadata": execution.labels,
                "created_at": run.created_at,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
            }
        )


async def show(session: AsyncSession, access: Access, run_id: UUID) -> Shown:
    """One of the caller's own runs of an agent; raises RunNotFound."""
    run = await runs.get(session, access, run_id)
    execution = await crud.get(session, access.workspace_id, run_id)
    if execution is None:
        raise RunNotFound("This run is not an agent's.")
    return Shown(run, execution)


async def resumed(
    session: AsyncSession, access: Access, run_id: UUID, agent: str, started_id: UUID | None
) -> Shown:
    """What a POST has begun with an agent, by its slug or id; raises RunNotFound."""
    run = await runs.resumed(session, access, run_id, KIND, started_id=started_id)
    execution = await crud.get(session, access.workspace_id, run_id)
    if execution is None or not _was_asked(execution, agent):
        raise RunNotFound("This request has begun no run with this id.")
    return Shown(run, execution)


def _was_asked(execution: Execution, agent: str) -> bool:
    """Whether a request to this agent began it: neither another run, nor doing one again."""
    is_own = execution.parent_run_id is None and execution.forked_from_id is None
    return is_own and agent in (execution.agent_slug, str(execution.agent_id))


async def page(
    session: AsyncSession, access: Access, agent_id: UUID, query: ExecutionQuery, cursors: Cursors
) -> Slice[Run]:
    return await crud.page(session, access.workspace_id, access.user_id, agent_id, query, cursors)


async def steps(session: AsyncSession, access: Access, run_id: UUID) -> Sequence[ExecutionStep]:
    """Raises RunNotFound."""
    await show(session, access, run_id)
    return await crud.steps(session, access.workspace_id, run_id)


async def context(session: AsyncSession, access: Access, run_id: UUID) -> dict[str, Any]:
    """What each call of a model was shown, in an agent's run or in a chat; raises RunNotFound."""
    run = await runs.get(session, access, run_id)
    execution = await crud.get(session, access.workspace_id, run_id)
    if execution is None:
        kept = run.input.get(CONTEXT)
        if kept is None:
            raise RunNotFound("This run is neither an agent's nor a chat's.")
        shown = {"sections": kept["sections"], "left_out": kept["left_out"]}
        told: list[dict[str, Any]] = [{"path": "", "number": 1, "agent": None, "context": shown}]
        instructions: str = kept["instructions"]
    else:
        told = [
            {
                "path": step.path,
                "number": step.number,
                "agent": step.agent_slug,
                "context": step.context or {},
            }
            for step in await crud.steps(session, access.workspace_id, run_id)
            if step.kind == "model"
        ]
        instructions = execution.instructions
    contexts = await explained(session, access, [each["context"] for each in told])
    data = [each | {"context": context} for each, context in zip(told, contexts, strict=True)]
    return {"run_id": run_id, "instructions": instructions, "data": data}


async def approvals(session: AsyncSession, access: Access, run_id: UUID) -> Sequence[ToolApproval]:
    """Raises RunNotFound."""
    await show(session, access, run_id)
    return await crud.approvals(session, access.workspace_id, run_id)


async def approvals_page(
    session: AsyncSession, access: Access, query: ApprovalQuery, cursors: Cursors
) -> Slice[ToolApproval]:
    """One's own, and for whoever may change agents those of everyone."""
    mine = None if Permission.AGENTS_WRITE in access.permissions else access.user_id
    return await crud.approvals_page(session, access.workspace_id, mine, query, cursors)


async def approval(
    session: AsyncSession, access: Access, approval_id: UUID, *, for_update: bool = False
) -> ToolApproval:
    """Raises ApprovalNotFound."""
    found = await crud.approval(session, access.workspace_id, approval_id, for_update=for_update)
    may = found is not None and (
        found.user_id == access.user_id or Permission.AGENTS_WRITE in access.permissions
    )
    if found is None or not may:
        raise ApprovalNotFound("You have no approval with this id.")
    return found


async def decide(
    session: AsyncSession,
    access: Access,
    running: Runs,
    approval_id: UUID,
    decision: ApprovalDecision,
) -> ToolApproval:
    """Decide once; the run goes on with it. Raises ApprovalNotFound and ApprovalDecided."""
    found = await approval(session, access, approval_id, for_update=True)
    status = "approved" if decision.decision == "approve" else "declined"
    if found.status == status:
        return found
    if found.status != "pending":
        raise ApprovalDecided(f"It is {found.status}.")
    found.status, found.note = status, decision.note
    found.decided_by_id, found.decided_at = access.user_id, now()
    await session.flush()
    detail = {"tool": found.tool, "digest": found.digest, "decision": status}
    note(session, Note("tool_approval.decided", "tool_approval", found.id, detail=detail))
    await running.wake(session, found.workspace_id, found.execution_id)
    return found


async def resume(
    session: AsyncSession,
    access: Access,
    running: Runs,
    run_id: UUID,
    budget_usd: Decimal | None,
) -> Shown:
    """Have a run that waits for its budget go on; raises RunNotFound and RunNotPaused."""
    shown = await show(session, access, run_id)
    if shown.run.status != "paused":
        raise RunNotPaused(f"The run is {shown.run.status}.")
    if budget_usd is not None:
        shown.execution.budget_usd = budget_usd
        await session.flush()
    await running.wake(session, access.workspace_id, run_id)
    await session.refresh(shown.run)
    return shown
