"""How the runs of a workflow went over a period."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.automation.runs import statistics_crud as crud
from app.automation.runs.statistics_crud import Period
from app.automation.runs.statistics_schemas import (
    Durations,
    NodeStatistics,
    StatisticsQuery,
    WorkflowStatistics,
)
from app.automation.workflows import service as workflows
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession

USUAL: Final = timedelta(days=30)
_ENDED: Final = ("completed", "failed", "cancelled")


async def statistics(
    session: AsyncSession, access: Access, workflow_id: UUID, query: StatisticsQuery
) -> WorkflowStatistics:
    """Over the runs that the caller sees; raises WorkflowNotFound."""
    workspace_id = access.workspace_id
    await workflows.get(session, access, workflow_id)
    until = query.until or now()
    period = Period(workflow_id, query.since or until - USUAL, until)
    told = await crud.of_runs(session, workspace_id, access, period)
    by_status = await crud.by_status(session, workspace_id, access, period)
    nodes = await crud.of_nodes(session, workspace_id, access, period)
    looked_at: int = told["looked_at"]
    runs = min(looked_at, crud.MOST_RUNS)
    ended = sum(by_status.get(status, 0) for status in _ENDED)
    return WorkflowStatistics(
        workflow_id=workflow_id,
        since=period.since,
        until=period.until,
        runs=runs,
        by_status=by_status,
        failure_rate=_rate(by_status.get("failed", 0), ended),
        seconds=_durations("seconds", told),
        queue_seconds=_durations("queue", told),
        input_tokens=told["input_tokens"],
        output_tokens=told["output_tokens"],
        cost_usd=told["cost_usd"],
        mean_cost_usd=_money(told["mean_cost_usd"]),
        truncated=looked_at > crud.MOST_RUNS,
        node_runs=min(runs, crud.MOST_NODE_RUNS),
        nodes=[_node(each) for each in nodes],
    )


def _node(told: Mapping[str, Any]) -> NodeStatistics:
    return NodeStatistics(
        node_id=told["node_id"],
        node_type=told["node_type"],
        ends=told["ends"],
        attempts=told["attempts"],
        retries=told["retries"],
        failed=told["failed"],
        failure_rate=_rate(told["failed"], told["ends"]),
        cache_hits=told["cache_hits"],
        seconds=_durations("seconds", told),
        input_tokens=told["input_tokens"],
        output_tokens=told["output_tokens"],
        cost_usd=None if told["unpriced"] else told["cost_usd"],
    )


def _durations(name: str, told: Mapping[str, Any]) -> Durations:
    return Durations(**{share: _rounded(told[f"{name}_{share}"]) for share in crud.SHARES})


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _money(amount: Decimal | None) -> Decimal | None:
    """An average as money is told: to the billionth of a dollar."""
    return None if amount is None else round(amount, 9)
