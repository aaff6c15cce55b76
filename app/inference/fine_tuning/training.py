"""The work of a job: hand it to the provider once, and follow it to its end."""

import asyncio
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from app.core.clock import now
from app.core.db import AsyncSession, Database, on_commit
from app.core.errors import AppError
from app.core.log import get_logger
from app.inference.batches import files
from app.inference.batches.parts import Outside, may_be_there
from app.inference.batches.patience import Store
from app.inference.batches.server import Server
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.remembering import access_of
from app.inference.fine_tuning import crud
from app.inference.fine_tuning.errors import FineTuningNotOffered
from app.inference.fine_tuning.models import FineTuningJob
from app.inference.fine_tuning.upstream import UpstreamJobs
from app.inference.providers.errors import ModelNotFound, ProviderError, ProviderRejected
from app.inference.providers.types import Usage
from app.inference.routing.plan import Question
from app.inference.usage import service as ledger
from app.inference.usage.payer import payer_of
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

log = get_logger(__name__)

KIND: Final = "fine_tuning"
FIRST_LOOK, LONGEST_LOOK = 0.5, 60.0
ENDED: Final = frozenset({"succeeded", "failed", "cancelled"})
# As many as providers take by themselves for all but tiny data sets.
USUAL_EPOCHS: Final = 3
MOST_TOKENS: Final = 2**31 - 1
KNOWN: Final = ENDED | {"validating_files", "queued", "running", "paused"}


class Training:
    """Carries out fine-tuning jobs; nothing is trained here.

    What a job may cost is reserved before anything is sent, and settled by the tokens that the
    provider says it has trained on.
    """

    kind = KIND

    def __init__(self, database: Database, calls: Calls, outside: Outside) -> None:
        self._store = Store(database)
        self._calls = calls
        self._outside = outside
        self._stopping: set[asyncio.Task[None]] = set()

    async def run(self, ctx: RunContext) -> None:
        job = await self._job(ctx)
        if job.status not in ENDED:
            upstream = await self.upstream_of(job)
            if job.upstream_id is None:
                await self._admit(ctx, job)
                found = await upstream.find(job) if ctx.attempt > 1 else None
                await self._keep(ctx, found or await self._begun(ctx, job, upstream))
            await self._follow(ctx, upstream)
        job = await self._job(ctx)
        await self._store.unit(ctx, lambda session: self._charge(ctx, session, job))

    async def _admit(self, ctx: RunContext, job: FineTuningJob) -> None:
        """Reserve what the job may cost; raises BudgetExceeded and PriceUnknown."""
        found = await self._store.unit(ctx, lambda session: self._open_requests(ctx, session))
        if found:
            return
        access = access_of(ctx)
        payer = payer_of(access, KIND, ctx.run_id)
        epochs = job.given["hyperparameters"].get("n_epochs")
        tokens = training_tokens(job.report["tokens"], epochs)
        order = Order(payer, Question(job.reference, tokens, 0), access.rules, operation=KIND)
        plan = await self._calls.plan(order)
        pricing = await self._outside.prices.get(ctx.workspace_id)
        price = pricing.training(job.slug, job.model)
        asked = replace(plan.candidates[0], price=price)
        grant = await self._calls.admit(order, replace(plan, candidates=(asked,), on_overflow=()))
        # It is settled by what the provider says at the end, whichever process hears it.
        grant.taken = True

    async def _charge(self, ctx: RunContext, session: AsyncSession, job: FineTuningJob) -> None:
        """Settle what was reserved, by what the provider has told; a failure costs nothing."""
        requests = await self._open_requests(ctx, session)
        if not requests:
            return
        if job.status == "succeeded" and not job.trained_tokens:
            await self._calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
            return
        usage = Usage(job.trained_tokens) if job.trained_tokens else None
        used = dict.fromkeys(requests, usage)
        await self._calls.settle_answered(ctx.workspace_id, ctx.run_id, used)

    async def _open_requests(self, ctx: RunContext, session: AsyncSession) -> list[UUID]:
        await self._calls.flush()
        return await ledger.open_requests(session, ctx.workspace_id, ctx.run_id)

    async def _begun(
        self, ctx: RunContext, job: FineTuningJob, upstream: UpstreamJobs
    ) -> dict[str, Any]:
        training = await upstream.upload(await self._content(ctx, job.file_id))
        validation = None
        if job.validation_file_id is not None:
            validation = await upstream.upload(await self._content(ctx, job.validation_file_id))
        # Uploads take their time: nobody else may have begun it meanwhile.
        await self._job(ctx, held=True)
        try:
            return await upstream.create(job, training, validation)
        except ProviderError as error:
            if not may_be_there(error):
                raise
            await asyncio.sleep(FIRST_LOOK)
            found = await upstream.find(job)
            if found is None:
                raise
            return found

    async def _follow(self, ctx: RunContext, upstream: UpstreamJobs) -> None:
        pause = FIRST_LOOK
        while (job := await self._job(ctx, held=True)).status not in ENDED:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_LOOK)
            try:
                found = await upstream.get(job.upstream_id or "")
            except (ProviderRejected, ModelNotFound):
                raise
            except ProviderError as error:
                # The provider trains on, also while our credentials are being changed.
                log.warning("fine_tuning_not_readable", job_id=str(job.id), reason=error.detail)
                upstream = await self.upstream_of(job)
                continue
            if await self._keep(ctx, found):
                ctx.emit("log", status=found.get("status"))

    async def _keep(self, ctx: RunContext, found: dict[str, Any]) -> bool:
        """Write down what the provider says; whether its status is another one."""
        name = (await self.upstream_of(await self._job(ctx))).server.name_in(found)

        async def write(session: AsyncSession) -> bool:
            job = await self._load(ctx, session)
            before = job.status
            take(job, found, name)
            return job.status != before

        return await self._store.unit(ctx, write)

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        job = await crud.get(session, ctx.workspace_id, job_of(ctx), for_update=True)
        if job is not None and job.status not in ENDED:
            job.status = "cancelled" if ending.status == "cancelled" else "failed"
            job.error = ending.error.problem() if ending.error else None
            job.ended_at = now()
            on_commit(session, lambda: self._stop(job))
        if job is not None:
            await self._charge(ctx, session, job)
        total = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
        result = {"fine_tuning_job_id": str(job_of(ctx))}
        return Settlement(result, total.input_tokens, total.output_tokens, total.cost_usd)

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
            upstream = await self.upstream_of(job)
            name = job.upstream_id
            if name is None and (found := await upstream.find(job)) is not None:
                name = upstream.server.name_in(found)
            if name is not None:
                await upstream.cancel(name)
        except (ProviderError, FineTuningNotOffered) as error:
            log.warning("fine_tuning_not_cancelled", job_id=str(job.id), reason=error.detail)

    async def _content(self, ctx: RunContext, file_id: UUID) -> bytes:
        async def read(session: AsyncSession) -> bytes:
            file = await files.get(session, ctx.workspace_id, file_id, with_content=True)
            if file is None:
                raise AppError("The file of this job is gone.")
            return file.content

        return await self._store.unit(ctx, read)

    async def _job(self, ctx: RunContext, *, held: bool = False) -> FineTuningJob:
        """With `held` it raises RunLost where another process goes on with it."""
        return await self._store.unit(ctx, lambda session: self._load(ctx, session), held=held)

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
    known = isinstance(tokens, int) and tokens >= 0
    job.trained_tokens = min(int(tokens or 0), MOST_TOKENS) if known else None
    if isinstance(error, dict) and error.get("message"):
        job.error = {"code": str(error.get("code")), "message": str(error["message"])[:2000]}
    if job.status in ENDED and job.ended_at is None:
        job.ended_at = now()


def training_tokens(tokens: int, epochs: int | None) -> int:
    """How many tokens may be trained on."""
    return tokens * (epochs or USUAL_EPOCHS)


def job_of(ctx: RunContext) -> UUID:
    return UUID(ctx.input["job_id"])
