"""The run of an experiment: every target asked every case, each result written as it comes."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.agents.evaluations.asking import Asker, Spent
from app.agents.evaluations.bundle import Evaluations
from app.agents.evaluations.datasets import service as datasets
from app.agents.evaluations.experiments import crud, service
from app.agents.evaluations.experiments.calibrating import calibrated
from app.agents.evaluations.experiments.errors import ExperimentBudgetReached, ExperimentNotFound
from app.agents.evaluations.experiments.figures import summed_up
from app.agents.evaluations.experiments.models import Experiment
from app.agents.evaluations.experiments.pinning import pin
from app.agents.evaluations.experiments.purse import Purse
from app.agents.evaluations.experiments.rows import Job, begun_values, values_of
from app.agents.evaluations.experiments.schemas import PinnedAgent
from app.agents.evaluations.experiments.targets import Answered, Asks, case_of
from app.agents.evaluations.graders.judging import digest_of
from app.agents.evaluations.grading import Grading
from app.agents.evaluations.service import graders_in
from app.core import restorable
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.outbox import emit
from app.inference.calls.remembering import access_of
from app.inference.calls.totals import Total
from app.inference.embeddings.embedder import Embedder
from app.inference.gate.errors import BudgetExceeded
from app.inference.usage import service as ledger
from app.inference.usage.payer import payer_of
from app.knowledge.ingestion.steps import patiently, step
from app.runs.runs import service as runs
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

STEP: Final = "cases"
CALIBRATION: Final = "calibration"
MOST_TOLD: Final = 200
TRIES: Final = 3
LONGEST_WAIT: Final = 10.0


@dataclass(slots=True)
class Desk:
    """What the cases of one experiment are asked with."""

    ctx: RunContext
    experiment: Experiment
    asks: Asks
    grading: Grading
    purse: Purse
    total: int
    done: int = 0
    passed: int = 0
    failed: int = 0


class Experimenting:
    """Carries out experiments; what has a result is never asked again."""

    kind = service.KIND

    def __init__(self, evaluations: Evaluations) -> None:
        self._evaluations = evaluations
        self._database = evaluations.database

    async def run(self, ctx: RunContext) -> None:
        """Raises ExperimentBudgetReached, and BudgetExceeded of the workspace's own budgets."""
        access = access_told(ctx)
        experiment = await self._experiment(ctx)
        if ctx.attempt > 1:
            await self._evaluations.calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
        asker = Asker(self._evaluations.calls, access, ctx.run_id)

        async def embedding(model: str | None) -> Embedder:
            payer = payer_of(access, "evaluation", ctx.run_id)
            return await self._evaluations.embedders.of(payer, model)

        grading = Grading(graders_in(experiment.graders), experiment.pass_score, asker, embedding)
        purse = Purse(experiment.budget_usd, await self._spent(ctx, experiment))
        await self._calibrate(ctx, experiment, grading, purse)
        asks = Asks(access, ctx.run_id, asker, self._evaluations.runner, self._evaluations.prompts)
        await pin(self._database, ctx.scope, asks, experiment)
        jobs = await self._jobs(ctx, experiment)
        total = experiment.case_count * len(experiment.targets) * experiment.repeats
        desk = Desk(ctx, experiment, asks, grading, purse, total, done=total - len(jobs))
        async with step(ctx, STEP) as counts:
            await self._ask_all(desk, jobs)
            counts.update(done=desk.done, passed=desk.passed, failed=desk.failed)
            if jobs:
                raise ExperimentBudgetReached(
                    f"{len(jobs)} of {total} cases were not asked; what was asked is kept."
                )

    async def _experiment(self, ctx: RunContext) -> Experiment:
        experiment_id = UUID(ctx.input["experiment_id"])
        async with self._database.unit(ctx.scope) as session:
            found = await restorable.find(session, Experiment, ctx.workspace_id, experiment_id)
        if found is None:
            raise ExperimentNotFound("The experiment of this run is gone.")
        return found

    async def _spent(self, ctx: RunContext, experiment: Experiment) -> Decimal:
        """What the processes before have spent."""
        if ctx.attempt == 1:
            return Decimal(0)
        await self._evaluations.calls.flush()
        async with self._database.unit(ctx.scope) as session:
            own = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
            agents = await crud.spent_by_agents(session, ctx.workspace_id, experiment.id)
        return (own.cost_usd or Decimal(0)) + (agents.cost_usd or Decimal(0))

    async def _calibrate(
        self, ctx: RunContext, experiment: Experiment, grading: Grading, purse: Purse
    ) -> None:
        """Hold each judge to its examples, unless it was before; nothing is asked of no judge."""
        judges = service.judges_of(experiment.graders)
        known = {each["digest"]: each for each in experiment.calibrations}
        if not judges or all(digest_of(judge) in known for judge in judges):
            return
        spent = Spent()
        async with step(ctx, CALIBRATION):
            found = await calibrated(judges, known, grading, spent)
        purse.spent += spent.total.cost_usd or Decimal(0)
        async with self._database.unit(ctx.scope) as session:
            await service.keep_calibrations(session, ctx.workspace_id, experiment.id, found)

    async def _jobs(self, ctx: RunContext, experiment: Experiment) -> deque[Job]:
        """What is still to be asked: case by case, each by every target, and then again."""
        async with self._database.unit(ctx.scope) as session:
            cases = await datasets.pinned(session, ctx.workspace_id, experiment.snapshot_id)
            begun = await crud.begun(session, ctx.workspace_id, experiment.id)
        ended = {tuple(row[:3]) for row in begun if row[3] != "running"}
        under_way = {tuple(row[:3]): row[4] for row in begun if row[3] == "running"}
        targets = service.targets_in(experiment.targets)
        jobs = (
            Job(place, case, target, repeat)
            for repeat in range(1, experiment.repeats + 1)
            for place, case in enumerate(cases)
            for target in targets
        )
        return deque(
            replace(job, run_id=under_way.get(job.key)) for job in jobs if job.key not in ended
        )

    async def _ask_all(self, desk: Desk, jobs: deque[Job]) -> None:
        """Some at a time; what is left in `jobs` was not asked for want of money."""
        tasks = [
            asyncio.create_task(self._ask_on(desk, jobs))
            for _ in range(min(desk.experiment.concurrency, len(jobs)))
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_on(self, desk: Desk, jobs: deque[Job]) -> None:
        while jobs and await desk.purse.take():
            cost = Decimal(0)
            try:
                if jobs:
                    cost = await self._ask(desk, jobs.popleft())
            finally:
                await desk.purse.give(cost)

    async def _ask(self, desk: Desk, job: Job) -> Decimal:
        """Have one case answered, graded and written; what it has cost, as far as is known."""
        spent, case, error = Spent(), case_of(job.case), None
        answered: Answered | None = None
        if isinstance(job.target, PinnedAgent) and job.run_id is None:
            job = await self._begun(desk, job)
        try:
            answered = await self._answered(desk, job, spent)
        except BudgetExceeded:
            raise
        except AppError as failed:
            error = failed
        if answered is None:
            marked = desk.grading.unanswered(case)
        else:
            marked = await desk.grading.mark(case, answered.sample)
        values = values_of(desk.experiment, job, marked, answered, spent, error)
        await self._keep(desk, values)
        desk.done += 1
        desk.passed += marked.passed
        desk.failed += error is not None
        self._tell(desk)
        return (values["cost_usd"] or Decimal(0)) + (values["grading_cost_usd"] or Decimal(0))

    async def _answered(self, desk: Desk, job: Job, spent: Spent) -> Answered:
        """Again where an error passes; raises what stays."""
        target, case = job.target, case_of(job.case)
        if isinstance(target, PinnedAgent):
            return await self._of_agent(desk, job, target, spent)
        for tried in range(1, TRIES + 1):
            try:
                return await desk.asks.answer(target, case, spent)
            except AppError as error:
                if not error.retryable or tried == TRIES:
                    raise
                await asyncio.sleep(min(error.retry_after or 0.2 * tried, LONGEST_WAIT))
        raise AssertionError("the last try returns or raises")

    async def _begun(self, desk: Desk, job: Job) -> Job:
        """An agent's run is written down before it begins: another process goes on with it."""
        run_id = new_id()
        await self._keep(desk, begun_values(desk.experiment, job, run_id))
        return replace(job, run_id=run_id)

    async def _of_agent(self, desk: Desk, job: Job, target: PinnedAgent, spent: Spent) -> Answered:
        assert job.run_id is not None  # noqa: S101 - `_begun` gave it one
        await desk.asks.begin(target, case_of(job.case), job.run_id, desk.purse.left)
        return await desk.asks.end(job.run_id, spent)

    async def _keep(self, desk: Desk, values: dict[str, Any]) -> None:
        """In a transaction of its own: it can be read from then on."""
        ctx = desk.ctx

        async def write() -> None:
            async with self._database.unit(ctx.scope) as session:
                await runs.expect_held(session, ctx.workspace_id, ctx.run_id, ctx.attempt)
                await crud.keep(session, values)

        await patiently(ctx, STEP, write)

    def _tell(self, desk: Desk) -> None:
        every = max(1, desk.total // MOST_TOLD)
        if desk.done % every == 0 or desk.done == desk.total:
            desk.ctx.emit(
                "log",
                step=STEP,
                done=desk.done,
                of=desk.total,
                passed=desk.passed,
                failed=desk.failed,
            )

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """The figures of what was asked, however it ended."""
        experiment_id = UUID(ctx.input["experiment_id"])
        if ending.status != "completed":
            await self._evaluations.calls.settle_lost(ctx.workspace_id, ctx.run_id, "")
            left = await crud.end_running(session, ctx.workspace_id, experiment_id, "cancelled")
            for run_id in left:
                await runs.request_cancel_of(session, ctx.workspace_id, run_id)
        await self._evaluations.calls.flush()
        total = await ledger.total_of_run(session, ctx.workspace_id, ctx.run_id)
        agents = await crud.spent_by_agents(session, ctx.workspace_id, experiment_id)
        experiment = await restorable.find(
            session, Experiment, ctx.workspace_id, experiment_id, for_update=True
        )
        if experiment is not None:
            scored = await crud.scored(session, ctx.workspace_id, experiment_id)
            names = [target["name"] for target in experiment.targets]
            experiment.results = await asyncio.to_thread(summed_up, names, scored)
            experiment.status, experiment.ended_at = ending.status, now()
        if experiment is not None and ending.status == "completed":
            named = {
                "evaluation_id": experiment.evaluation_id,
                "experiment_id": experiment_id,
                "kind": service.KIND,
            }
            await emit(
                session,
                ctx.workspace_id,
                "evaluation.completed",
                named,
                subject_id=experiment.evaluation_id,
                user_id=ctx.user_id,
            )
        whole = _own(total.input_tokens, total.output_tokens, total.cost_usd) + agents
        return Settlement(
            {"experiment_id": str(experiment_id)},
            whole.input_tokens,
            whole.output_tokens,
            whole.cost_usd,
        )


def _own(read: int, written: int, cost: Decimal | None) -> Total:
    """What it asked itself; of no calls at all the ledger knows no cost, and there was none."""
    asked_nothing = cost is None and not read and not written
    return Total(read, written, Decimal(0) if asked_nothing else cost)


def access_told(ctx: RunContext) -> Access:
    """Who asked, with what they were allowed to do then."""
    permissions = set()
    for each in ctx.input["permissions"]:
        with suppress(ValueError):
            permissions.add(Permission(each))
    return replace(access_of(ctx), permissions=frozenset(permissions), role=ctx.input["role"])
