"""Executions, their steps and approvals in Postgres."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.runtime.models import Execution, ExecutionStep, ToolApproval
from app.agents.runtime.schemas import ApprovalQuery, ExecutionQuery
from app.core.clock import now
from app.core.db import table_of
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.core.statements import Statement
from app.core.storing import store
from app.runs.runs.models import UNFINISHED, Run

Place = tuple[str, int, str]

# What every step writes is made once: to put such a statement together costs more than to run it.
_EXECUTIONS, _STEPS, _RUNS = table_of(Execution), table_of(ExecutionStep), table_of(Run)
_STEP = tuple(_STEPS.c.keys())
_PLACE = (_STEPS.c.execution_id, _STEPS.c.path, _STEPS.c.number, _STEPS.c.call_id)
_BEGUN = insert(_STEPS).from_select(
    _STEPS.c.keys(),
    select(*(bindparam(each.key, type_=each.type).label(each.key) for each in _STEPS.c)).where(
        _RUNS.c.id == bindparam("execution_id"),
        _RUNS.c.workspace_id == bindparam("workspace_id"),
        _RUNS.c.attempt == bindparam("of_attempt"),
        or_(*(_RUNS.c.status == each for each in UNFINISHED)),
    ),
)
# One that a dead process had begun is begun again in its place.
_STORED = _BEGUN.on_conflict_do_update(
    index_elements=_PLACE,
    set_={each.key: _BEGUN.excluded[each.key] for each in _STEPS.c},
    where=_STEPS.c.status == "started",
)
_BEGIN_STEP = Statement(_STORED)
# A step ends once: told again, it changes nothing.
_UNDER_WAY = and_(_STEPS.c.id == bindparam("of_step"), _STEPS.c.status == "started")
_COUNT_SECONDS = (
    update(_EXECUTIONS)
    .where(_EXECUTIONS.c.id == bindparam("execution_id"))
    .values(
        active_seconds=_EXECUTIONS.c.active_seconds + bindparam("seconds"),
        updated_at=bindparam("ended_at"),
    )
)
_ENDED = (
    "name", "outcome", "is_error", "input_tokens", "output_tokens", "cost_usd", "first_token_ms",
    "ended_at",
)  # fmt: skip
_END_STEP = Statement(
    update(_STEPS)
    .add_cte(_COUNT_SECONDS.where(exists().where(_UNDER_WAY)).cte("counted"))
    .where(_UNDER_WAY)
    .values({name: bindparam(name) for name in _ENDED})
    .values(status="ended", updated_at=bindparam("ended_at"))
)
_STORED_STEP = _STORED.returning(_STEPS.c.id).cte("stored")
_STORE_ENDED_STEP = Statement(_COUNT_SECONDS.where(exists(select(_STORED_STEP.c.id))))


async def add(session: AsyncSession, *rows: Execution | ExecutionStep | ToolApproval) -> None:
    session.add_all(rows)
    await session.flush()


async def store_execution(
    session: AsyncSession, execution: Execution, copied: Sequence[ExecutionStep]
) -> None:
    """What a run is to do, with the steps that it takes over."""
    await store(session, execution)
    if copied:
        await add(session, *copied)


async def get(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> Execution | None:
    return await session.scalar(
        select(Execution).where(Execution.id == run_id, Execution.workspace_id == workspace_id)
    )


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    agent_id: UUID,
    query: ExecutionQuery,
    cursors: Cursors,
) -> Slice[Run]:
    """One's own runs of an agent, newest first."""
    statement = (
        select(Run)
        .join(Execution, Execution.id == Run.id)
        .where(
            Run.workspace_id == workspace_id,
            Run.user_id == user_id,
            Execution.agent_id == agent_id,
        )
    )
    if query.status is not None:
        statement = statement.where(Run.status == query.status)
    keyset = Keyset(Run.created_at, Run.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def steps(
    session: AsyncSession, workspace_id: UUID, execution_id: UUID
) -> Sequence[ExecutionStep]:
    """All steps, in the order in which they began."""
    found = await session.scalars(
        select(ExecutionStep)
        .where(
            ExecutionStep.workspace_id == workspace_id,
            ExecutionStep.execution_id == execution_id,
        )
        .order_by(ExecutionStep.started_at, ExecutionStep.id)
    )
    return found.all()


Change = tuple[Statement, dict[str, Any]]
"""A statement with its values: to be carried out alone, or with what else a session writes."""


def begun_step(step: ExecutionStep, attempt: int) -> Change:
    """Write a step; it changes no row where the run has ended, or another attempt has begun."""
    return _BEGIN_STEP, _whole(step, {}, attempt)


def ended_step(step: ExecutionStep, values: Mapping[str, Any], seconds: float) -> Change:
    """Write how a step ended, and that its run has worked for so many seconds more."""
    places = {"of_step": step.id, "execution_id": step.execution_id}
    return _END_STEP, {**values, **places, "seconds": seconds}


def whole_step(
    step: ExecutionStep, values: Mapping[str, Any], attempt: int, seconds: float
) -> Change:
    """The same of a step that was not written before, under the condition of `begun_step`."""
    return _STORE_ENDED_STEP, {**_whole(step, values, attempt), "seconds": seconds}


def _whole(step: ExecutionStep, values: Mapping[str, Any], attempt: int) -> dict[str, Any]:
    at = {"created_at": step.started_at, "updated_at": values.get("ended_at", step.started_at)}
    return {**at, **step.__dict__, **values, "of_attempt": attempt}


async def approvals(
    session: AsyncSession, workspace_id: UUID, execution_id: UUID
) -> Sequence[ToolApproval]:
    found = await session.scalars(
        select(ToolApproval)
        .where(ToolApproval.workspace_id == workspace_id, ToolApproval.execution_id == execution_id)
        .order_by(ToolApproval.created_at, ToolApproval.id)
    )
    return found.all()


async def approval(
    session: AsyncSession, workspace_id: UUID, approval_id: UUID, *, for_update: bool = False
) -> ToolApproval | None:
    statement = select(ToolApproval).where(
        ToolApproval.id == approval_id, ToolApproval.workspace_id == workspace_id
    )
    return await session.scalar(statement.with_for_update() if for_update else statement)


async def approvals_page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID | None,
    query: ApprovalQuery,
    cursors: Cursors,
) -> Slice[ToolApproval]:
    """Newest first: a user's own, or (None) all of the workspace."""
    statement = select(ToolApproval).where(ToolApproval.workspace_id == workspace_id)
    if user_id is not None:
        statement = statement.where(ToolApproval.user_id == user_id)
    if query.status is not None:
        statement = statement.where(ToolApproval.status == query.status)
    keyset = Keyset(ToolApproval.created_at, ToolApproval.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def all_waiting(
    session: AsyncSession, execution_id: UUID, approval_ids: Sequence[UUID]
) -> bool:
    """Whether none of them has been decided yet."""
    statement = select(ToolApproval.id).where(
        ToolApproval.execution_id == execution_id,
        ToolApproval.id.in_(approval_ids),
        ToolApproval.status != "pending",
    )
    return await session.scalar(statement.limit(1)) is None


async def close_approvals(session: AsyncSession, execution_id: UUID) -> None:
    """Nobody is asked any more: the run has ended."""
    await session.execute(
        update(ToolApproval)
        .where(ToolApproval.execution_id == execution_id, ToolApproval.status == "pending")
        .values(status="expired", decided_at=now())
        .execution_options(synchronize_session=False)
    )


async def overdue(session: AsyncSession, before: datetime, limit: int) -> Sequence[ToolApproval]:
    """Approvals that nobody decided in time (SYSTEM scope)."""
    found = await session.scalars(
        select(ToolApproval)
        .where(ToolApproval.status == "pending", ToolApproval.expires_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()
