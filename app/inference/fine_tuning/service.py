"""What a workspace does with fine-tuning jobs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.batches import service as files
from app.inference.calls.calls import Calls
from app.inference.calls.features import expect_feature
from app.inference.calls.order import Order
from app.inference.calls.remembering import remembered
from app.inference.catalog.service import context_window
from app.inference.fine_tuning import crud
from app.inference.fine_tuning.data_set import check
from app.inference.fine_tuning.errors import FineTuningJobNotFound
from app.inference.fine_tuning.models import FineTuningJob
from app.inference.fine_tuning.schemas import FineTuningJobCreate, FineTuningJobQuery
from app.inference.fine_tuning.training import ENDED, KIND, training_tokens
from app.inference.fine_tuning.upstream import expect_offered
from app.inference.integrations.directory import Target
from app.inference.prices.book import PriceBook
from app.inference.prices.money import to_dollars
from app.inference.providers.types import Usage
from app.inference.routing.plan import Question
from app.inference.usage.payer import Payer
from app.runs.runs import service as runs
from app.runs.runs.models import Run


@dataclass(frozen=True, slots=True)
class Desk:
    """What a job is made with."""

    calls: Calls
    prices: PriceBook


async def create(
    session: AsyncSession, desk: Desk, access: Access, executor_id: str, new: FineTuningJobCreate
) -> tuple[FineTuningJob, Run]:
    """Check the data set, and store the job and the run that hands it to its provider.

    Raises FeatureNotAllowed, FileNotFound, DataSetInvalid, FineTuningNotOffered, and what planning
    raises.
    """
    expect_feature(access, "fine_tuning")
    target = await _target(desk.calls, access, new.model)
    pricing = await desk.prices.get(access.workspace_id)
    price = pricing.training(target.endpoint.slug, target.model)
    expect_offered(target.endpoint)
    file_id = files.id_of(new.file_id, "file-")
    report = await _report(session, access, file_id, new, target)
    estimate = training_tokens(report["tokens"], new.hyperparameters.n_epochs)
    cost = None if price is None else str(to_dollars(price.cost(Usage(estimate))))
    validation_id = None
    if new.validation_file_id is not None:
        validation_id = files.id_of(new.validation_file_id, "file-")
        await _report(session, access, validation_id, new, target, least=1)
    run_id = new_id()
    job = FineTuningJob(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        run_id=run_id,
        integration_id=target.endpoint.integration_id,
        slug=target.endpoint.slug,
        model=target.model,
        method=new.method,
        file_id=file_id,
        validation_file_id=validation_id,
        given={
            "hyperparameters": new.hyperparameters.model_dump(exclude_none=True),
            "suffix": new.suffix,
            "seed": new.seed,
            "metadata": new.metadata,
        },
        report=report | {"estimated_cost_usd": cost},
        status="validating_files",
    )
    await crud.add(session, job)
    run = await runs.create(
        session,
        access,
        run_id=run_id,
        executor_id=executor_id,
        kind=KIND,
        subject_id=job.id,
        input={"job_id": str(job.id), **remembered(access)},
    )
    note(session, Note("fine_tuning.started", "run", run_id, detail={"model": job.reference}))
    return job, run


async def _target(calls: Calls, access: Access, model: str) -> Target:
    payer = Payer(access.workspace_id, access.user_id, KIND)
    plan = await calls.plan(Order(payer, Question(model), access.rules))
    return plan.candidates[0].target


async def _report(
    session: AsyncSession,
    access: Access,
    file_id: UUID,
    new: FineTuningJobCreate,
    target: Target,
    *,
    least: int | None = None,
) -> dict[str, Any]:
    """What is in a data set; raises DataSetInvalid."""
    file = await files.get_file(session, access, file_id, with_content=True)
    bound = {} if least is None else {"least": least}
    window = context_window(target)
    # In a thread, so that other calls go on meanwhile.
    report = await asyncio.to_thread(check, file.content, new.method, window, **bound)
    return report.told()


async def get(session: AsyncSession, access: Access, job_id: UUID) -> FineTuningJob:
    found = await crud.get(session, access.workspace_id, job_id)
    if found is None:
        raise FineTuningJobNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: FineTuningJobQuery, cursors: Cursors
) -> Slice[FineTuningJob]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def newest(
    session: AsyncSession, access: Access, after: UUID | None, limit: int
) -> Sequence[FineTuningJob]:
    return await crud.newest(session, access.workspace_id, after, limit)


async def cancel(session: AsyncSession, access: Access, job_id: UUID) -> FineTuningJob:
    """Note that it is to be cancelled; its run must then be told."""
    job = await get(session, access, job_id)
    await match(session, job)
    if job.status not in ENDED:
        await runs.request_cancel_of(session, access.workspace_id, job.run_id)
    return job


def id_of(shown: str) -> UUID:
    """The id behind the name that OpenAI's clients see; raises FineTuningJobNotFound."""
    try:
        return UUID(shown.removeprefix("ftjob-"))
    except ValueError:
        raise FineTuningJobNotFound from None
