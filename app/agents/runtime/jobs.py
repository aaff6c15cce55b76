"""What is done for agents' runs again and again."""

from datetime import timedelta
from typing import Final

from app.agents.runtime import crud
from app.agents.runtime.launching import Launcher
from app.core.clock import now
from app.core.db import SYSTEM, Database
from app.core.jobs import Job

AT_ONCE: Final = 100


def approvals_job(database: Database, launcher: Launcher) -> Job:
    """What nobody decided in time is declined; the runs go on, and their models are told."""

    async def run() -> None:
        expired = AT_ONCE
        while expired == AT_ONCE:
            async with database.unit(SYSTEM) as session:
                overdue = await crud.overdue(session, now(), AT_ONCE)
                for approval in overdue:
                    approval.status, approval.decided_at = "expired", now()
                await session.flush()
                for approval in overdue:
                    await launcher.runs.wake(session, approval.workspace_id, approval.execution_id)
            expired = len(overdue)

    return Job("approvals", timedelta(minutes=1), run)
