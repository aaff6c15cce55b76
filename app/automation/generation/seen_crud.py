"""What callers have begun, and what the workflows that they see are made of, in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.runtime.models import Execution, ExecutionStep
from app.automation.engine.models import WorkflowRun
from app.automation.runs.reach import visible as visible_run
from app.automation.triggers.models import WorkflowTrigger
from app.automation.workflows.models import WORKFLOW_KIND, Workflow, WorkflowVersion
from app.core import restorable
from app.core.auth import Access
from app.identity.versioned.seeing import visible

MOST_STARTS: Final = 3000
MOST_CALLS: Final = 5000
MOST_DEFINITIONS: Final = 200
MOST_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class Start:
    """Something that somebody began by hand. `kind` is workflow or agent."""

    run_id: UUID
    user_id: UUID
    kind: str
    subject_id: UUID
    slug: str
    inputs: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that an agent called, by the name that its model knows."""

    run_id: UUID
    agent: str
    name: str
    arguments: dict[str, Any]
    at: datetime


async def workflow_starts(
    session: AsyncSession, workspace_id: UUID, access: Access, since: datetime, *, everyone: bool
) -> list[Start]:
    """The newest, of workflows that are there and that the caller sees."""
    size = func.octet_length(cast(WorkflowRun.inputs, Text), type_=Integer)
    whose = visible_run(access) if everyone else WorkflowRun.user_id == access.user_id
    rows = await session.execute(
        select(
            WorkflowRun.id,
            WorkflowRun.user_id,
            Workflow.id,
            Workflow.slug,
            WorkflowRun.inputs,
            WorkflowRun.created_at,
        )
        .join(Workflow, Workflow.id == WorkflowRun.workflow_id)
        .where(
            WorkflowRun.workspace_id == workspace_id,
            WorkflowRun.created_at >= since,
            WorkflowRun.trigger == "api",
            WorkflowRun.parent_run_id.is_(None),
            WorkflowRun.reused_from_id.is_(None),
            Workflow.deleted_at.is_(None),
            visible(WORKFLOW_KIND, workspace_id, access.user_id),
            size <= MOST_BYTES,
            whose,
        )
        .order_by(WorkflowRun.created_at.desc())
        .limit(MOST_STARTS)
    )
    return [Start(run, user, "workflow", *rest) for run, user, *rest in rows]


async def agent_starts(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, since: datetime
) -> list[Start]:
    """The newest runs that a person began of agents, outside of conversations."""
    rows = await session.execute(
        select(
            Execution.id,
            Execution.user_id,
            Execution.agent_id,
            Execution.agent_slug,
            Execution.created_at,
        )
        .where(
            Execution.workspace_id == workspace_id,
            Execution.user_id == user_id,
            Execution.created_at >= since,
            Execution.agent_id.is_not(None),
            Execution.parent_run_id.is_(None),
            Execution.conversation_id.is_(None),
            Execution.forked_from_id.is_(None),
        )
        .order_by(Execution.created_at.desc())
        .limit(MOST_STARTS)
    )
    return [
        Start(run, user, "agent", agent, slug, {}, at)
        for run, user, agent, slug, at in rows
        if agent is not None
    ]


async def tool_calls(
    session: AsyncSession, workspace_id: UUID, user_id: UUID, since: datetime
) -> list[Call]:
    """The newest calls of tools in a person's runs of agents, in the order of each run."""
    size = func.coalesce(
        func.octet_length(cast(ExecutionStep.arguments, Text), type_=Integer), 0, type_=Integer
    )
    newest = (
        select(
            Execution.id,
            Execution.agent_slug,
            ExecutionStep.name,
            ExecutionStep.arguments,
            ExecutionStep.started_at,
            ExecutionStep.number,
        )
        .join(ExecutionStep, ExecutionStep.execution_id == Execution.id)
        .where(
            Execution.workspace_id == workspace_id,
            ExecutionStep.workspace_id == workspace_id,
            Execution.user_id == user_id,
            Execution.created_at >= since,
            ExecutionStep.kind == "tool",
            ExecutionStep.path == "",
            ExecutionStep.status == "ended",
            ExecutionStep.is_error.is_(False),
            ExecutionStep.copied.is_(False),
            size <= MOST_BYTES,
        )
        .order_by(ExecutionStep.started_at.desc(), ExecutionStep.number.desc())
        .limit(MOST_CALLS)
    )
    rows = (await session.execute(newest)).all()
    return [
        Call(run, agent, name, arguments if isinstance(arguments, dict) else {}, at)
        for run, agent, name, arguments, at, _ in reversed(rows)
    ]


async def scheduled(session: AsyncSession, workspace_id: UUID) -> set[UUID]:
    """The workflows that a trigger starts at times."""
    statement = restorable.living(WorkflowTrigger, workspace_id).where(
        WorkflowTrigger.kind == "cron", WorkflowTrigger.enabled.is_(True)
    )
    found = await session.scalars(statement.with_only_columns(WorkflowTrigger.workflow_id))
    return set(found)


async def definitions(
    session: AsyncSession, workspace_id: UUID, user_id: UUID
) -> Sequence[tuple[UUID, dict[str, Any]]]:
    """The newest definitions of workflows that a member sees, by their workflows' ids."""
    rows = await session.execute(
        select(Workflow.id, WorkflowVersion.definition)
        .join(WorkflowVersion, WorkflowVersion.workflow_id == Workflow.id)
        .where(
            Workflow.workspace_id == workspace_id,
            Workflow.deleted_at.is_(None),
            WorkflowVersion.number == Workflow.current_version,
            visible(WORKFLOW_KIND, workspace_id, user_id),
        )
        .order_by(Workflow.created_at.desc())
        .limit(MOST_DEFINITIONS)
    )
    return [(row[0], row[1]) for row in rows]
