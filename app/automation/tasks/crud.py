"""Tasks in Postgres: the approvals of workflows and those of agents' calls, as one list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.runtime.models import ToolApproval
from app.automation.engine.models import WorkflowRun, WorkflowWait
from app.automation.runs.crud import of_workflow
from app.automation.runs.reach import visible
from app.automation.tasks.people import Names
from app.automation.tasks.schemas import TaskQuery
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.paging import Cursors, Slice, binding_of

APPROVAL: Final = "approval"
TOOL_APPROVAL: Final = "tool_approval"
_OF_TOOLS: Final = {
    "open": "pending", "approved": "approved", "rejected": "declined", "expired": "expired",
}  # fmt: skip
_LIST: Final = "tasks"


@dataclass(frozen=True, slots=True)
class Step:
    """A workflow's step that waits for a person, and the run that it belongs to."""

    wait: WorkflowWait
    run: WorkflowRun


Task = Step | ToolApproval


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    access: Access,
    names: Names,
    query: TaskQuery,
    cursors: Cursors,
) -> Slice[Task]:
    """Newest first."""
    both = union_all(
        _steps(workspace_id, access, names, query), _calls(workspace_id, access, query)
    ).subquery("both")
    descending = query.descends(by_default=True)
    binding = binding_of(f"{_LIST}.{descending}", query, workspace_id)
    key = tuple_(both.c.created_at, both.c.id)
    statement = select(both.c.id, both.c.kind, both.c.created_at)
    if query.cursor:
        moment, row_id = cursors.decode(query.cursor, binding)
        place = tuple_(
            literal(datetime.fromisoformat(moment), both.c.created_at.type),
            literal(UUID(row_id), Uuid()),
        )
        statement = statement.where(key < place if descending else key > place)
    columns = (both.c.created_at, both.c.id)
    ordered = [each.desc() if descending else each.asc() for each in columns]
    rows = (await session.execute(statement.order_by(*ordered).limit(query.limit + 1))).all()
    shown, has_more = rows[: query.limit], len(rows) > query.limit
    cursor = None
    if has_more:
        cursor = cursors.encode([shown[-1].created_at, shown[-1].id], binding)
    total = None
    if query.include == "total":
        total = await session.scalar(select(func.count()).select_from(both)) or 0
    found = await _load(session, workspace_id, {row.id: row.kind for row in shown})
    return Slice([found[row.id] for row in shown if row.id in found], has_more, cursor, total)


async def get(
    session: AsyncSession, workspace_id: UUID, access: Access, names: Names, task_id: UUID
) -> Task | None:
    """One that the caller sees."""
    every = TaskQuery()
    statement = union_all(
        _steps(workspace_id, access, names, every).where(WorkflowWait.id == task_id),
        _calls(workspace_id, access, every).where(ToolApproval.id == task_id),
    ).subquery("both")
    row = (await session.execute(select(statement.c.id, statement.c.kind))).one_or_none()
    if row is None:
        return None
    return (await _load(session, workspace_id, {row.id: row.kind})).get(row.id)


async def _load(
    session: AsyncSession, workspace_id: UUID, kinds: Mapping[UUID, str]
) -> dict[UUID, Task]:
    steps = [task_id for task_id, kind in kinds.items() if kind == APPROVAL]
    calls = [task_id for task_id, kind in kinds.items() if kind == TOOL_APPROVAL]
    found: dict[UUID, Task] = {}
    if steps:
        rows = await session.execute(
            select(WorkflowWait, WorkflowRun)
            .join(WorkflowRun, WorkflowRun.id == WorkflowWait.run_id)
            .where(WorkflowWait.workspace_id == workspace_id, WorkflowWait.id.in_(steps))
            .execution_options(populate_existing=True)
        )
        found |= {wait.id: Step(wait, run) for wait, run in rows}
    if calls:
        approvals = await session.scalars(
            select(ToolApproval)
            .where(ToolApproval.workspace_id == workspace_id, ToolApproval.id.in_(calls))
            .execution_options(populate_existing=True)
        )
        found |= {approval.id: approval for approval in approvals}
    return found


def _steps(
    workspace_id: UUID, access: Access, names: Names, query: TaskQuery
) -> Select[UUID, datetime, str]:
    """Of the runs that the caller sees, and what is for them to decide."""
    theirs = _given_to(access, names)
    wanted: list[ColumnElement[bool]] = [or_(visible(access), theirs)]
    if query.mine:
        wanted.append(theirs)
    if query.status is not None:
        wanted.append(_status() == query.status)
    if query.kind == TOOL_APPROVAL:
        wanted.append(literal(False))
    if query.workflow is not None:
        wanted.append(of_workflow(query.workflow))
    if query.run_id is not None:
        wanted.append(WorkflowWait.run_id == query.run_id)
    if query.due_before is not None:
        wanted.append(WorkflowWait.until < query.due_before)
    if query.q is not None:
        told = (cast(WorkflowWait.shown, Text), WorkflowRun.workflow_name, WorkflowWait.node_id)
        wanted.append(or_(*(each.icontains(query.q, autoescape=True) for each in told)))
    return (
        select(
            WorkflowWait.id.label("id"),
            WorkflowWait.created_at.label("created_at"),
            literal(APPROVAL).label("kind"),
        )
        .join(WorkflowRun, WorkflowRun.id == WorkflowWait.run_id)
        .where(WorkflowWait.workspace_id == workspace_id, WorkflowWait.kind == APPROVAL, *wanted)
    )


def _given_to(access: Access, names: Names) -> ColumnElement[bool]:
    """Whether the caller may decide it: it names them, or nobody."""
    if Permission.WORKFLOW_TASKS_WRITE not in access.permissions:
        return literal(False)
    return or_(
        func.jsonb_array_length(WorkflowWait.assignees) == 0,
        WorkflowWait.meant.has_any(cast(sorted(names.known), ARRAY(Text))),
    )


def _calls(workspace_id: UUID, access: Access, query: TaskQuery) -> Select[UUID, datetime, str]:
    """As agents' own list has them: one's own, and for whoever may change agents everyone's."""
    wanted: list[ColumnElement[bool]] = []
    if Permission.AGENTS_RUN not in access.permissions or query.kind == APPROVAL:
        wanted.append(literal(False))
    if Permission.AGENTS_WRITE not in access.permissions:
        wanted.append(ToolApproval.user_id == access.user_id)
    if query.workflow is not None:
        wanted.append(literal(False))
    if query.status is not None:
        wanted.append(ToolApproval.status == _OF_TOOLS.get(query.status, ""))
    if query.run_id is not None:
        wanted.append(ToolApproval.execution_id == query.run_id)
    if query.due_before is not None:
        wanted.append(ToolApproval.expires_at < query.due_before)
    if query.q is not None:
        told = (ToolApproval.tool, ToolApproval.agent_slug, cast(ToolApproval.arguments, Text))
        wanted.append(or_(*(each.icontains(query.q, autoescape=True) for each in told)))
    return select(
        ToolApproval.id.label("id"),
        ToolApproval.created_at.label("created_at"),
        literal(TOOL_APPROVAL).label("kind"),
    ).where(ToolApproval.workspace_id == workspace_id, *wanted)


def _status() -> ColumnElement[str]:
    """As tasks say it; `status_of` says the same of a row."""
    decision = WorkflowWait.brought["decision"].astext
    overdue = and_(WorkflowWait.status == "open", WorkflowWait.until <= now())
    return case(
        (overdue, "expired"),
        (and_(WorkflowWait.status == "brought", decision == "approve"), "approved"),
        (WorkflowWait.status == "brought", "rejected"),
        else_=WorkflowWait.status,
    )


async def decide(
    session: AsyncSession,
    workspace_id: UUID,
    wait_id: UUID,
    user_id: UUID,
    assignees: Sequence[str],
    brought: Mapping[str, Any],
) -> bool:
    """Bring a decision, if the step still waits for one of these to decide."""
    moment = now()
    found = await session.scalar(
        update(WorkflowWait)
        .where(
            *_still_open(workspace_id, wait_id, moment),
            WorkflowWait.assignees == list(assignees),
        )
        .values(
            status="brought",
            brought=dict(brought),
            decided_by_id=user_id,
            decided_at=moment,
            updated_at=moment,
        )
        .returning(WorkflowWait.id)
        .execution_options(synchronize_session=False)
    )
    return found is not None


async def assign(
    session: AsyncSession,
    workspace_id: UUID,
    wait_id: UUID,
    assignees: Sequence[str],
    meant: Sequence[str],
) -> bool:
    """Give it to others, if the step still waits."""
    moment = now()
    found = await session.scalar(
        update(WorkflowWait)
        .where(*_still_open(workspace_id, wait_id, moment))
        .values(assignees=list(assignees), meant=list(meant), updated_at=moment)
        .returning(WorkflowWait.id)
        .execution_options(synchronize_session=False)
    )
    return found is not None


def _still_open(
    workspace_id: UUID, wait_id: UUID, moment: datetime
) -> tuple[ColumnElement[bool], ...]:
    return (
        WorkflowWait.workspace_id == workspace_id,
        WorkflowWait.id == wait_id,
        WorkflowWait.kind == APPROVAL,
        WorkflowWait.status == "open",
        or_(WorkflowWait.until.is_(None), WorkflowWait.until > moment),
    )
