"""The driver: tells Temporal of runs, and takes up here those that it gives to this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from app.automation.engine.work import KIND
from app.automation.temporal.activities import BEATS_A_LEASE, Activities
from app.automation.temporal.workflow import NAME, RunWorkflow
from app.core.config import Settings
from app.core.db import Database
from app.core.jobs import Job
from app.core.log import get_logger
from app.core.tasks import stop_tasks
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run

log = get_logger(__name__)

MOST_RUNS: Final = 1000
UNATTENDED_SECONDS: Final = 10.0
_RESTART_SECONDS: Final = 5.0
_CLOSE_SECONDS: Final = 25.0
_RPC: Final = timedelta(seconds=10)
_WORKFLOW_TASKS: Final = 20


class TemporalDriver:
    """A run is one workflow of Temporal's, under the same id.

    What Temporal was not told of, because it or this process was away, is told again by a job.
    """

    kinds = (KIND,)
    owner = None
    _runs: Runs

    def __init__(self, client: Client, database: Database, settings: Settings) -> None:
        self._client = client
        self._database = database
        self._queue = settings.temporal_task_queue
        self._lease = settings.run_lease_seconds
        self._telling: set[asyncio.Task[None]] = set()
        self._worker: Worker | None = None
        self._closing = False

    @property
    def elsewhere(self) -> "TemporalDriver":
        return self

    def launch(self, run: Run) -> None:
        self._soon(run.id, self._start(run.workspace_id, run.id))

    def wake(self, run_id: UUID) -> None:
        self._soon(run_id, self._signal(run_id))

    def jobs(self) -> tuple[Job, ...]:
        every = timedelta(seconds=UNATTENDED_SECONDS / 2)
        return (Job("workflow-runs-unattended", every, self._tell_again),)

    @asynccontextmanager
    async def driving(self, runs: Runs) -> AsyncIterator[None]:
        """A worker of this process works within; at the end it gives its runs to others."""
        self._runs = runs
        working = asyncio.create_task(self._work(), name="temporal worker")
        try:
            yield
        finally:
            self._closing = True
            if self._worker is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await self._worker.shutdown()
            await stop_tasks({working, *self._telling})

    async def _work(self) -> None:
        while not self._closing:
            self._worker = self._new_worker()
            try:
                await self._worker.run()
            except (RPCError, RuntimeError) as error:
                log.warning("temporal_worker_failed", error=repr(error))
                await asyncio.sleep(_RESTART_SECONDS)

    def _new_worker(self) -> Worker:
        beat = timedelta(seconds=self._lease / BEATS_A_LEASE)
        return Worker(
            self._client,
            task_queue=self._queue,
            workflows=[RunWorkflow],
            activities=[Activities(self._database, self._runs).advance],
            workflow_runner=UnsandboxedWorkflowRunner(),
            # Histories are short. Kept here, one would wait for this process after its death.
            max_cached_workflows=0,
            max_concurrent_workflow_tasks=_WORKFLOW_TASKS,
            max_concurrent_activities=MOST_RUNS,
            max_heartbeat_throttle_interval=beat,
            default_heartbeat_throttle_interval=beat,
        )

    async def _start(self, workspace_id: UUID, run_id: UUID, *, wake: bool = False) -> None:
        """Begin the run's workflow, or with `wake` signal the one that is there."""
        await self._client.start_workflow(
            NAME,
            args=[str(workspace_id), str(run_id), self._lease],
            id=str(run_id),
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="wake" if wake else None,
            task_timeout=timedelta(seconds=self._lease),
            rpc_timeout=_RPC,
        )

    async def _signal(self, run_id: UUID) -> None:
        try:
            await self._client.get_workflow_handle(str(run_id)).signal("wake", rpc_timeout=_RPC)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # a run that Temporal does not drive
                raise

    async def _tell_again(self) -> None:
        for workspace_id, run_id in await self._runs.recovery.unattended(
            self.kinds, UNATTENDED_SECONDS
        ):
            await self._start(workspace_id, run_id, wake=True)

    def _soon(self, run_id: UUID, telling: Awaitable[None]) -> None:
        task = asyncio.create_task(_told(run_id, telling))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


async def _told(run_id: UUID, telling: Awaitable[None]) -> None:
    try:
        await telling
    except RPCError as error:
        log.warning("temporal_not_told", run_id=str(run_id), error=repr(error))
