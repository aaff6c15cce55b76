"""The ends of two runs' nodes side by side, read from Postgres."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Subquery,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowStep

# What is looked into for differences; what is larger is only told to differ.
MOST_BYTES: Final = 64 * 1024
_TOLD: Final = (
    "id", "node_id", "node_type", "status", "port", "attempt", "started_at", "ended_at",
    "input_tokens", "output_tokens", "cost_usd", "copied", "error",
)  # fmt: skip


async def pairs(
    session: AsyncSession,
    workspace_id: UUID,
    run_ids: tuple[UUID, UUID],
    *,
    after: str | None,
    only_different: bool,
    limit: int,
) -> Sequence[dict[str, Any]]:
    """`path`, `differs` and `a_…`, `b_…` of each node that has ended in one of them, by path."""
    a, b, joined = _joined(workspace_id, run_ids)
    path = _path(a, b)
    differs = _differs(a, b)
    statement = select(
        path.label("path"),
        differs.label("differs"),
        *(side.c[name].label(f"{mark}_{name}") for mark, side in (("a", a), ("b", b))
          for name in _TOLD),
        *_values(a, b),
    ).select_from(joined)  # fmt: skip
    if after is not None:
        statement = statement.where(path > after)
    if only_different:
        statement = statement.where(differs)
    rows = await session.execute(statement.order_by(path).limit(limit))
    return [dict(row) for row in rows.mappings()]


async def counts(
    session: AsyncSession, workspace_id: UUID, run_ids: tuple[UUID, UUID]
) -> dict[str, int]:
    a, b, joined = _joined(workspace_id, run_ids)
    both = and_(a.c.path.is_not(None), b.c.path.is_not(None))
    differs = _differs(a, b)
    row = await session.execute(
        select(
            func.count().filter(b.c.path.is_(None)).label("only_in_a"),
            func.count().filter(a.c.path.is_(None)).label("only_in_b"),
            func.count().filter(and_(both, differs)).label("different"),
            func.count().filter(and_(both, ~differs)).label("alike"),
        ).select_from(joined)
    )
    return dict(row.mappings().one())


async def spent(
    session: AsyncSession, workspace_id: UUID, run_ids: tuple[UUID, UUID], paths: Sequence[str]
) -> dict[tuple[UUID, str], Any]:
    """Over all attempts at some places: `cost_usd` (None where a price is missing) and tokens."""
    unpriced = func.count().filter(WorkflowStep.cost_usd.is_(None))
    rows = await session.execute(
        select(
            WorkflowStep.run_id,
            WorkflowStep.path,
            case((unpriced == 0, func.sum(WorkflowStep.cost_usd))).label("cost_usd"),
            func.sum(WorkflowStep.input_tokens).label("input_tokens"),
            func.sum(WorkflowStep.output_tokens).label("output_tokens"),
        )
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id.in_(run_ids),
            WorkflowStep.path.in_(paths),
        )
        .group_by(WorkflowStep.run_id, WorkflowStep.path)
    )
    return {(row["run_id"], row["path"]): row for row in rows.mappings()}


def _joined(workspace_id: UUID, run_ids: tuple[UUID, UUID]) -> tuple[Subquery, Subquery, Any]:
    a, b = (_ends(workspace_id, run_id, name) for run_id, name in zip(run_ids, "ab", strict=True))
    return a, b, a.join(b, a.c.path == b.c.path, full=True)


def _ends(workspace_id: UUID, run_id: UUID, name: str) -> Subquery:
    """How the nodes of a run ended."""
    return (
        select(WorkflowStep)
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id == run_id,
            WorkflowStep.status != "started",
            WorkflowStep.retry_at.is_(None),
        )
        .subquery(name)
    )


def _path(a: Subquery, b: Subquery) -> ColumnElement[str]:
    """Compared byte by byte, so that it can be gone on after one."""
    return func.coalesce(a.c.path, b.c.path).collate("C")


def _differs(a: Subquery, b: Subquery) -> ColumnElement[bool]:
    unlike = [
        a.c[name].is_distinct_from(b.c[name]) for name in ("status", "port", "input", "output")
    ]
    return or_(false(), *unlike)


def _values(a: Subquery, b: Subquery) -> list[ColumnElement[Any]]:
    """Inputs and outputs where they differ and are small; `…_large` says where they are not."""
    columns: list[ColumnElement[Any]] = []
    for name in ("input", "output"):
        differ = a.c[name].is_distinct_from(b.c[name])
        sizes = [func.coalesce(func.octet_length(cast(side.c[name], Text)), 0) for side in (a, b)]
        small = and_(differ, *(size <= MOST_BYTES for size in sizes))
        columns += [case((small, side.c[name])).label(f"{side.name}_{name}") for side in (a, b)]
        columns.append(small.label(f"{name}_shown"))
        columns.append(and_(differ, ~small).label(f"{name}_large"))
    return columns
