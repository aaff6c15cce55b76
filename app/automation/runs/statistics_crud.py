"""Numbers over many runs, worked out by Postgres over a bounded number of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Float, and_, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.automation.engine.models import WorkflowRun, WorkflowStep
from app.automation.runs.reach import visible
from app.core.auth import Access
from app.runs.runs.models import Run

MOST_RUNS: Final = 10_000
MOST_NODE_RUNS: Final = 1000
MOST_STEPS: Final = 200_000
MOST_NODES: Final = 500
SHARES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Period:
    """The runs of a workflow that were begun in it, as far as the caller sees them."""

    workflow_id: UUID
    since: datetime
    until: datetime


async def of_runs(
    session: AsyncSession, workspace_id: UUID, access: Access, period: Period
) -> dict[str, Any]:
    """One row of numbers; `looked_at` is one more than MOST_RUNS where there are more."""
    newest = _newest(workspace_id, access, period, MOST_RUNS + 1)
    whole = _seconds(newest.c.created_at, newest.c.ended_at)
    queued = _seconds(newest.c.created_at, newest.c.admitted_at)
    row = await session.execute(
        select(
            func.count().label("looked_at"),
            func.coalesce(func.sum(newest.c.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(newest.c.output_tokens), 0).label("output_tokens"),
            func.sum(newest.c.cost_usd).label("cost_usd"),
            func.avg(newest.c.cost_usd).label("mean_cost_usd"),
            *_percentiles("seconds", whole, newest.c.ended_at.is_not(None)),
            *_percentiles("queue", queued, newest.c.admitted_at.is_not(None)),
        ).select_from(newest)
    )
    return dict(row.mappings().one())


async def by_status(
    session: AsyncSession, workspace_id: UUID, access: Access, period: Period
) -> dict[str, int]:
    newest = _newest(workspace_id, access, period, MOST_RUNS)
    rows = await session.execute(
        select(newest.c.status, func.count().label("runs"))
        .group_by(newest.c.status)
        .order_by(newest.c.status)
    )
    return {row.status: row.runs for row in rows}


async def of_nodes(
    session: AsyncSession, workspace_id: UUID, access: Access, period: Period
) -> Sequence[dict[str, Any]]:
    """A row a node, over the newest MOST_NODE_RUNS runs."""
    newest = _newest(workspace_id, access, period, MOST_NODE_RUNS)
    steps = (
        select(
            WorkflowStep.node_id,
            WorkflowStep.node_type,
            WorkflowStep.attempt,
            WorkflowStep.status,
            WorkflowStep.retry_at,
            WorkflowStep.input_tokens,
            WorkflowStep.output_tokens,
            WorkflowStep.cost_usd,
            _seconds(WorkflowStep.started_at, WorkflowStep.ended_at).label("seconds"),
        )
        .where(
            WorkflowStep.workspace_id == workspace_id,
            WorkflowStep.run_id.in_(select(newest.c.id)),
            WorkflowStep.status != "started",
            WorkflowStep.copied.is_(False),
        )
        .limit(MOST_STEPS)
        .cte("counted_steps")
    )
    c = steps.c
    is_end = c.retry_at.is_(None)
    worked = c.status != "cached"
    unpriced = func.count().filter(c.cost_usd.is_(None))
    rows = await session.execute(
        select(
            c.node_id,
            c.node_type,
            func.count().filter(is_end).label("ends"),
            func.count().label("attempts"),
            func.count().filter(c.attempt > 0).label("retries"),
            func.count().filter(and_(is_end, c.status == "error")).label("failed"),
            func.count().filter(c.status == "cached").label("cache_hits"),
            func.sum(c.input_tokens).label("input_tokens"),
            func.sum(c.output_tokens).label("output_tokens"),
            func.sum(c.cost_usd).label("cost_usd"),
            unpriced.label("unpriced"),
            *_percentiles("seconds", c.seconds, worked),
        )
        .group_by(c.node_id, c.node_type)
        .order_by(func.sum(c.seconds).desc().nulls_last(), c.node_id)
        .limit(MOST_NODES)
    )
    return [dict(row) for row in rows.mappings()]


def _newest(workspace_id: UUID, access: Access, period: Period, most: int) -> CTE:
    return (
        select(
            WorkflowRun.id,
            WorkflowRun.created_at,
            WorkflowRun.admitted_at,
            Run.status,
            Run.ended_at,
            Run.input_tokens,
            Run.output_tokens,
            Run.cost_usd,
        )
        .join(Run, Run.id == WorkflowRun.id)
        .where(
            WorkflowRun.workspace_id == workspace_id,
            Run.workspace_id == workspace_id,
            WorkflowRun.workflow_id == period.workflow_id,
            WorkflowRun.created_at >= period.since,
            WorkflowRun.created_at < period.until,
            visible(access),
        )
        .order_by(WorkflowRun.created_at.desc(), WorkflowRun.id.desc())
        .limit(most)
        .cte("newest_runs")
    )


def _seconds(start: Any, end: Any) -> ColumnElement[float]:
    """Null where one of them is: `greatest` alone would pass over it."""
    between = cast(func.extract("epoch", end - start), Float)
    return case((between.is_not(None), func.greatest(between, 0.0)))


def _percentiles(
    name: str, value: ColumnElement[Any], where: ColumnElement[bool]
) -> list[ColumnElement[Any]]:
    return [
        func.percentile_cont(share).within_group(value).filter(where).label(f"{name}_{label}")
        for label, share in SHARES.items()
    ]
