"""Two runs side by side, node by node."""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal
from uuid import UUID

from app.agents.definitions.changes import differences
from app.automation.engine.models import WorkflowRun
from app.automation.language.flow import Flow
from app.automation.runs import comparison_crud as crud
from app.automation.runs import service
from app.automation.runs.comparison_schemas import (
    ComparedNode,
    ComparedRun,
    ComparedStep,
    Comparison,
    ComparisonRequest,
    ValueDifference,
)
from app.automation.runs.previews import cut
from app.automation.runs.service import Shown
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.paging import CursorInvalid, Cursors
from app.runs.runs.models import Run

MOST_DIFFERENCES: Final = 50


async def compare(
    session: AsyncSession, access: Access, asked: ComparisonRequest, cursors: Cursors
) -> Comparison:
    """Raises WorkflowRunNotFound and CursorInvalid."""
    workspace_id, ids = access.workspace_id, (asked.a, asked.b)
    a = await service.show(session, access, asked.a)
    b = await service.show(session, access, asked.b)
    binding = f"workflow_runs.compare {workspace_id} {asked.a} {asked.b} {asked.only}"
    rows = await crud.pairs(
        session,
        workspace_id,
        ids,
        after=_position(asked.cursor, cursors, binding),
        only_different=asked.only == "different",
        limit=asked.limit + 1,
    )
    shown, has_more = rows[: asked.limit], len(rows) > asked.limit
    spent = await crud.spent(session, workspace_id, ids, [row["path"] for row in shown])
    counts = await crud.counts(session, workspace_id, ids)
    return Comparison(
        a=_run(a.run, a.workflow_run),
        b=_run(b.run, b.workflow_run),
        inputs=between(a.workflow_run.inputs, b.workflow_run.inputs),
        output=between(_output(a), _output(b)),
        definition=between_definitions(a.workflow_run, b.workflow_run),
        nodes=[_node(row, ids, spent) for row in shown],
        has_more=has_more,
        next_cursor=cursors.encode([shown[-1]["path"]], binding) if has_more else None,
        **counts,
    )


def _position(cursor: str | None, cursors: Cursors, binding: str) -> str | None:
    """The path after which it goes on; raises CursorInvalid."""
    if cursor is None:
        return None
    try:
        path: str = cursors.decode(cursor, binding)[0]
    except CursorInvalid:
        raise CursorInvalid("/body/cursor") from None
    return path


def between(a: Any, b: Any) -> list[ValueDifference]:
    """What differs, with pointers; the first MOST_DIFFERENCES."""
    return [
        ValueDifference(
            pointer=change.pointer,
            action=change.action,
            a=cut(change.old),
            b=cut(change.new),
        )
        for change in islice(differences(a, b), MOST_DIFFERENCES)
    ]


def between_definitions(a: WorkflowRun, b: WorkflowRun) -> list[ValueDifference]:
    """What differs in what two runs follow; a default that one of them leaves out is alike."""
    whole = (Flow.model_validate(each.definition) for each in (a, b))
    return between(*(flow.model_dump(mode="json", by_alias=True) for flow in whole))


def _output(shown: Shown) -> Any:
    return (shown.run.result or {}).get("output")


def _run(run: Run, workflow_run: WorkflowRun) -> ComparedRun:
    return ComparedRun(
        id=run.id,
        status=run.status,
        workflow=workflow_run.workflow_slug,
        workflow_version=workflow_run.workflow_version,
        seconds=_seconds(run.started_at, run.ended_at),
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        cost_usd=run.cost_usd,
    )


def _node(
    row: Mapping[str, Any], ids: tuple[UUID, UUID], spent: Mapping[tuple[UUID, str], Any]
) -> ComparedNode:
    sides = {
        mark: _step(row, mark, spent.get((run_id, row["path"])))
        for mark, run_id in zip("ab", ids, strict=True)
    }
    only_in: Literal["a", "b"] | None = None
    if sides["b"] is None:
        only_in = "a"
    elif sides["a"] is None:
        only_in = "b"
    known = "a" if only_in != "b" else "b"
    return ComparedNode(
        path=row["path"],
        node_id=row[f"{known}_node_id"],
        node_type=row[f"{known}_node_type"],
        only_in=only_in,
        differs=row["differs"],
        a=sides["a"],
        b=sides["b"],
        input=_differences(row, "input") if only_in is None else [],
        output=_differences(row, "output") if only_in is None else [],
        too_large=row["input_large"] or row["output_large"],
    )


def _differences(row: Mapping[str, Any], name: str) -> list[ValueDifference]:
    return between(row[f"a_{name}"], row[f"b_{name}"]) if row[f"{name}_shown"] else []


def _step(row: Mapping[str, Any], mark: str, spent: Any) -> ComparedStep | None:
    if row[f"{mark}_id"] is None or spent is None:
        return None
    return ComparedStep(
        step_id=row[f"{mark}_id"],
        status=row[f"{mark}_status"],
        port=row[f"{mark}_port"],
        attempts=row[f"{mark}_attempt"] + 1,
        seconds=_seconds(row[f"{mark}_started_at"], row[f"{mark}_ended_at"]),
        input_tokens=spent["input_tokens"],
        output_tokens=spent["output_tokens"],
        cost_usd=spent["cost_usd"],
        copied=row[f"{mark}_copied"],
        error=row[f"{mark}_error"],
    )


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    return round(max(0.0, (end - start).total_seconds()), 6)
