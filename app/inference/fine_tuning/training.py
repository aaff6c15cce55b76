"""The work of a job: hand it to the provider once, and follow it to its end."""

import asyncio
from typing import Any, Final
from uuid import UUID

from app.core.clock import now
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import AppError
from app.core.log import get_logger
from app.inference.batches import crud as files
from app.inference.batches.parts import Outside
from app.inference.batches.upstream import Server
from app.inference.fine_tuning import crud
from app.inference.fine_tuning.errors import FineTuningNotOffered
from app.inference.fine_tuning.models import FineTuningJob
from app.inference.fine_tuning.upstream import UpstreamJobs
from app.inference.providers.errors import ProviderError
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

log = get_logger(__name__)

KIND: Final = "fine_tuning"
FIRST_LOOK, LONGEST_LOOK = 0.5, 60.0
ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})
KNOWN: Final = ENDED | {"validating_files", "queued", "running", "paused"}


class Training:
    """Carries out fine-tuning jobs; nothing is trained here."""

    kind = KIND

    def __init__(self, database: Database, outside: Outside) -> None:
        self._database = database
        self._outside = outside
        self._stopping: set[asyncio.Task[None]] = set()

    async def run(self, ctx: RunContext) -> None:
        job = await self._job(ctx)
        upstream = await self.upstream_of(job)
        if job.upstream_id is None:
            found = await upstream.find(job.id) if ctx.continued else None
            await self._keep(ctx, found or await self._begin(ctx, job, upstream))
        await self._follow(ctx, upstream)

    async def _begin(
        self, ctx: RunContext, job: FineTuningJob, upstream: UpstreamJobs
    ) -> dict[str, Any]:
        training = await upstream.upload(await self._content(ctx, job.file_id))
        validation = None
        if job.validation_file_id is not None:
            validation = await upstream.upload(await self._content(ctx, job.validation_file_id))
        return await upstream.create(job, training, validation)

    async def _follow(self, ctx: RunContext, upstream: UpstreamJobs) -> None:
        pause = FIRST_LOOK
        while (job := await self._job(ctx)).status not in ENDED:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)
            try:
                found = await upstream.get(job.upstream_id or "")
            except ProviderError as error:
                if not error.retryable:
                    raise
                log.warning("fine_tuning_not_readable", job_id=str(job.id), reason=error.detail)
                continue
            if await self._keep(ctx, found):
                ctx.emit("log", status=found.get("status"))

    async def _keep(self, ctx: RunContext, found: dict[str, Any]) -> bool:
        """Write down what the provider says; whether its status is another one."""
        async with self._database.unit(ctx.scope) as session:
            job = await self._load(ctx, session)
            before = job.status
            upstream = await self.upstream_of(job)
            take(job, found, upstream.server.name_in(found))
            return job.status != before

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        job = await crud.get(session, ctx.workspace_id, job_of(ctx), for_update=True)
        if job is not None and job.status not in ENDED:
            job.status = "cancelled" if ending.status == "cancelled" else "failed"
            job.error = ending.error.problem() if ending.error else None
            job.ended_at = now()
            if job.upstream_id is not None:
                on_commit(session, lambda: self._stop(job))
        return Settlement({"fine_tuning_job_id": str(job_of(ctx))})

    async def upstream_of(self, job: FineTuningJob) -> UpstreamJobs:
        """Raises FineTuningNotOffered where its integration is gone."""
        for endpoint in await self._outside.directory.endpoints(job.workspace_id):
            if endpoint.integration_id == job.integration_id:
                return UpstreamJobs(Server(self._outside.transport, endpoint))
        raise FineTuningNotOffered(f"The integration '{job.slug}' of this job is gone or disabled.")

    def _stop(self, job: FineTuningJob) -> None:
        """Tell the provider, without anybody waiting for it."""
        task = asyncio.create_task(self._cancel(job), name="stop fine-tuning")
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _cancel(self, job: FineTuningJob) -> None:
        try:
            await (await self.upstream_of(job)).cancel(job.upstream_id or "")
        except (ProviderError, FineTuningNotOffered) as error:
            log.warning("fine_tuning_not_cancelled", job_id=str(job.id), reason=error.detail)

    async def _content(self, ctx: RunContext, file_id: UUID) -> bytes:
        async with self._database.unit(ctx.scope) as session:
            file = await files.get_file(session, ctx.workspace_id, file_id, with_content=True)
            if file is None:
                raise AppError("The file of this job is gone.")
            return file.content

    async def _job(self, ctx: RunContext) -> FineTuningJob:
        async with self._database.unit(ctx.scope) as session:
            return await self._load(ctx, session)

    async def _load(self, ctx: RunContext, session: AsyncSession) -> FineTuningJob:
        job = await crud.get(session, ctx.workspace_id, job_of(ctx))
        if job is None:
            raise AppError("The fine-tuning job of this run is gone.")
        return job


def take(job: FineTuningJob, found: dict[str, Any], name: str) -> None:
    """Take over what the provider says of a job."""
    job.upstream_id = name
    status = found.get("status")
    if status in KNOWN:
        job.status = str(status)
    tuned, tokens, error = (
        found.get("fine_tuned_model"), found.get("trained_tokens"), found.get("error")
    )  # fmt: skip
    job.fine_tuned_model = tuned if isinstance(tuned, str) else None
    job.trained_tokens = tokens if isinstance(tokens, int) else None
    if isinstance(error, dict) and error.get("message"):
        job.error = {"code": str(error.get("code")), "message": str(error["message"])[:2000]}
    if job.status in ENDED and job.ended_at is None:
        job.ended_at = now()


def job_of(ctx: RunContext) -> UUID:
    return UUID(ctx.input["job_id"])
