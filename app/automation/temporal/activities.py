"""What a worker does for Temporal: take a run up here, and hold it while it is under way."""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from app.automation.engine import waits_crud
from app.automation.temporal.workflow import ADVANCE, Advanced
from app.core.clock import now
from app.core.db import Database, Scope
from app.core.log import get_logger
from app.runs.runs import service
from app.runs.runs.bundle import Runs

log = get_logger(__name__)

BEATS_A_LEASE: Final = 4
_STOPPED: Final = timedelta(milliseconds=50)


class Activities:
    """Of one process."""

    def __init__(self, database: Database, runs: Runs) -> None:
        self._database = database
        self._runs = runs

    @activity.defn(name=ADVANCE)
    async def advance(self, workspace_id: str, run_id: str) -> Advanced:
        """Carry a run out until it ends or pauses.

        An error tells Temporal its name alone: what it says may hold what the run works on.
        """
        beating = asyncio.create_task(_beat())
        try:
            return await self._advanced(UUID(workspace_id), UUID(run_id))
        except asyncio.CancelledError:
            if not activity.is_worker_shutdown():
                raise
            raise ApplicationError(
                "The process stops.", type="Stopped", next_retry_delay=_STOPPED
            ) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, Temporal tries again
            log.warning("run_not_advanced", run_id=run_id, error=repr(error))
            name = type(error).__name__
            raise ApplicationError("The service's log has the cause.", type=name) from None
        finally:
            beating.cancel()

    async def _advanced(self, workspace_id: UUID, run_id: UUID) -> Advanced:
        async with self._database.unit(Scope(workspace_id)) as session:
            until = await waits_crud.next_until(session, workspace_id, run_id)
            if until is not None and until <= now():
                await service.wake(session, workspace_id, run_id)
        run = await self._runs.recovery.carry_out(workspace_id, run_id)
        if run is None or run.status != "paused":
            return Advanced(ended=True)
        async with self._database.unit(Scope(workspace_id)) as session:
            until = await waits_crud.next_until(session, workspace_id, run_id)
        return Advanced(ended=False, until=until.isoformat() if until else None)


async def _beat() -> None:
    lease = activity.info().heartbeat_timeout or timedelta(seconds=1)
    while True:
        activity.heartbeat()
        await asyncio.sleep(lease.total_seconds() / BEATS_A_LEASE)
