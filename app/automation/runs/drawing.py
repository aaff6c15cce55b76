"""A run's timeline, drawn from what is kept of it."""

from uuid import UUID

from app.automation.runs import service, timeline_crud
from app.automation.runs.critical import critical_path
from app.automation.runs.places import places_of
from app.automation.runs.timeline import laid_out, nodes_of, seconds_between, totals_of
from app.automation.runs.timeline_schemas import Timeline
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession


async def timeline(session: AsyncSession, access: Access, run_id: UUID) -> Timeline:
    """Raises WorkflowRunNotFound."""
    shown = await service.show(session, access, run_id)
    spans = await timeline_crud.spans(session, access.workspace_id, run_id)
    pauses = await timeline_crud.pauses(session, access.workspace_id, run_id)
    run, moment = shown.run, now()
    until = run.ended_at or moment
    laid = laid_out(spans[: timeline_crud.MOST], pauses, places_of(shown.flow), until)
    nodes = nodes_of(laid)
    return Timeline(
        run_id=run_id,
        status=run.status,
        created_at=run.created_at,
        ended_at=run.ended_at,
        seconds=seconds_between(run.created_at, until),
        totals=totals_of(laid, nodes),
        nodes=nodes,
        critical_path=critical_path(laid),
        truncated=len(spans) > timeline_crud.MOST,
    )
