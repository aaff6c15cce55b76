"""Ending the oldest runs of a key, where a workflow wants the newest one to go on instead."""

from collections.abc import Sequence
from uuid import UUID

from app.automation.engine import turns_crud
from app.automation.engine.models import WorkflowRun
from app.automation.language.flow import Flow
from app.core.db import AsyncSession


async def replaced_by(session: AsyncSession, flow: Flow, row: WorkflowRun) -> Sequence[UUID]:
    """The runs that are to be cancelled where one waits for a place: all but the newest.

    It may be among them itself, where a newer one began before it could be seen. Each is cancelled
    in a transaction of its own: whoever ends a run holds it, and may want the next.
    """
    limit = flow.settings.concurrency
    if limit is None or row.concurrency_key is None or limit.otherwise != "cancel_oldest":
        return ()
    found = await turns_crud.unfinished(session, row.workspace_id, row.concurrency_key)
    return found[: max(len(found) - limit.limit, 0)]
