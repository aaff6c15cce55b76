"""Beginning, going on with, and finding the runs of front ends."""

from uuid import UUID, uuid5

from app.agents.definitions import service as definitions
from app.agents.frontends import crud
from app.agents.frontends.asked import Asked, Unpaused
from app.agents.frontends.errors import FrontendMessageInvalid
from app.agents.runtime import service as runtime
from app.agents.runtime.launching import RunWanted
from app.agents.runtime.schemas import ApprovalDecision
from app.core.auth import Access
from app.core.db import AsyncSession
from app.runs.dialects.dialects import THREAD
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run


def run_id_of(access: Access, agent: str, asked: Asked) -> UUID | None:
    """The id of the run that a client calls by a name of its own; each person has their own."""
    if asked.name is None:
        return None
    return uuid5(access.workspace_id, f"{access.user_id}\n{agent}\n{asked.name}")


def wanted(access: Access, agent: str, asked: Asked) -> RunWanted:
    options = asked.options
    return RunWanted(
        agent,
        asked.messages,
        options.variables,
        options.version,
        options.label,
        options.model,
        metadata={**options.metadata, THREAD: asked.thread_id},
        budget_usd=options.budget_usd,
        run_id=run_id_of(access, agent, asked),
    )


async def begun(session: AsyncSession, access: Access, run_id: UUID, *, alone: bool) -> bool:
    """Whether the run was begun before; with `alone` nobody else begins it meanwhile."""
    if alone:
        await crud.take_turn(session, run_id)
    return await runs.find(session, access.workspace_id, run_id) is not None


async def go_on(session: AsyncSession, access: Access, running: Runs, asked: Asked) -> UUID:
    """Have a run that waits go on with what was answered; its id.

    Raises ApprovalNotFound, ApprovalDecided, RunNotFound, RunNotPaused, and
    FrontendMessageInvalid where the answers are for several runs.
    """
    if asked.unpaused is not None:
        return await _unpause(session, access, running, asked.unpaused)
    found: set[UUID] = set()
    for answer in sorted(asked.answers, key=lambda each: each.approval_id):
        said = "approve" if answer.approved else "decline"
        decision = ApprovalDecision(decision=said, note=answer.note)
        approval = await runtime.decide(session, access, running, answer.approval_id, decision)
        found.add(approval.execution_id)
    if len(found) != 1:
        raise FrontendMessageInvalid("/body", "answer for one run at a time")
    [run_id] = found
    await runs.get(session, access, run_id)
    return run_id


async def _unpause(
    session: AsyncSession, access: Access, running: Runs, unpaused: Unpaused
) -> UUID:
    run_id = unpaused.run_id
    if unpaused.cancel:
        await runs.request_cancel(session, access, run_id)
        running.canceller(session)(run_id)
    else:
        await runtime.resume(session, access, running, run_id, unpaused.budget_usd)
    return run_id


async def active(session: AsyncSession, access: Access, agent: str, chat_id: str) -> Run | None:
    """The caller's run in a chat that has not ended; raises AgentNotFound."""
    found, _ = await definitions.resolve(session, access, agent, None, None)
    return await crud.active(session, access.workspace_id, access.user_id, found.id, chat_id)
