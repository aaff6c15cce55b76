"""The work of an evaluation: every question with every configuration, then the figures."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from app.core import restorable
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.core.errors import AppError
from app.core.outbox import emit
from app.inference.calls.remembering import access_of
from app.inference.usage.payer import Payer, payer_of
from app.knowledge.evaluations import crud
from app.knowledge.evaluations.errors import EvaluationNotFound
from app.knowledge.evaluations.measuring import Measured, compare, keys_of, mean, measure
from app.knowledge.evaluations.models import EvaluatedQuestion, Evaluation
from app.knowledge.evaluations.schemas import EvaluatedConfiguration
from app.knowledge.search.errors import SearchUnavailable
from app.knowledge.search.question import Filters
from app.knowledge.search.schemas import SearchFilters
from app.knowledge.search.searching import Searching
from app.runs.runs.context import RunContext
from app.runs.runs.work import Ending, Settlement

KIND: Final = "search_evaluation"
PURPOSE: Final = "search_evaluation"
AT_ONCE: Final = 4
TOLD_EVERY: Final = 50
SHOWN: Final = 10
NOTHING: Final = Measured(0.0, 0.0, 0.0)
# What is called otherwise as the mean over all questions.
NAMES: Final = {"recall": "recall", "reciprocal_rank": "mrr", "ndcg": "ndcg"}


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every question of one evaluation is asked with."""

    access: Access
    payer: Payer
    filters: Filters


@dataclass(slots=True)
class _Outcome:
    """What one configuration found for one question."""

    measured: Measured = NOTHING
    milliseconds: float = 0.0
    found: Sequence[UUID] = field(default_factory=tuple)
    error: AppError | None = None

    def told(self, label: str) -> dict[str, Any]:
        return {
            "label": label,
            **asdict(self.measured),
            "milliseconds": round(self.milliseconds, 2),
            "found": [str(each) for each in self.found],
            "error": self.error.problem() if self.error else None,
        }


class Evaluating:
    """Carries out evaluations; what a dead process had asked is asked again."""

    kind = KIND

    def __init__(self, database: Database, searching: Searching) -> None:
        self._database = database
        self._searching = searching

    async def run(self, ctx: RunContext) -> None:
        """Raises SearchUnavailable: figures without it would tell nothing."""
        evaluation, questions = await self._asked(ctx)
        access = access_told(ctx)
        filters = SearchFilters.model_validate(evaluation.filters).filters()
        desk = _Desk(access, payer_of(access, PURPOSE, ctx.run_id), filters)
        outcomes: dict[str, list[_Outcome]] = {}
        configurations = configurations_of(evaluation)
        for configuration in configurations:
            label = configuration.label
            ctx.emit("step.started", step=label)
            outcomes[label] = await self._ask_all(ctx, desk, configuration, questions)
            failed = sum(each.error is not None for each in outcomes[label])
            ctx.emit(
                "step.completed", step=label, counts={"asked": len(questions), "failed": failed}
            )
        results = await asyncio.to_thread(results_of, configurations, outcomes)
        await self._keep(ctx, questions, outcomes, results)

    async def _asked(self, ctx: RunContext) -> tuple[Evaluation, Sequence[EvaluatedQuestion]]:
        evaluation_id = UUID(ctx.input["evaluation_id"])
        async with self._database.unit(ctx.scope) as session:
            found = await restorable.find(session, Evaluation, ctx.workspace_id, evaluation_id)
            if found is None:
                raise EvaluationNotFound("The evaluation of this run is gone.")
            return found, await crud.all_questions(session, ctx.workspace_id, evaluation_id)

    async def _ask_all(
        self,
        ctx: RunContext,
        desk: _Desk,
        configuration: EvaluatedConfiguration,
        questions: Sequence[EvaluatedQuestion],
    ) -> list[_Outcome]:
        """Some at a time, in their order."""
        outcomes: list[_Outcome] = []
        for start in range(0, len(questions), AT_ONCE):
            some = questions[start : start + AT_ONCE]
            outcomes += await asyncio.gather(
                *(self._ask(desk, configuration, each) for each in some)
            )
            if len(outcomes) // TOLD_EVERY > start // TOLD_EVERY:
                ctx.emit("log", step=configuration.label, done=len(outcomes), of=len(questions))
        return outcomes

    async def _ask(
        self, desk: _Desk, configuration: EvaluatedConfiguration, asked: EvaluatedQuestion
    ) -> _Outcome:
        """A question that cannot be asked counts 0, and says why."""
        k = configuration.k
        question = configuration.question(asked.question, desk.filters, k, highlights=False)
        relevant = {UUID(each["id"]): int(each["grade"]) for each in asked.relevant}
        began = time.perf_counter()
        try:
            findings = await self._searching.find(desk.access, desk.payer, question)
        except SearchUnavailable:
            raise
        except AppError as error:
            return _Outcome(error=error, milliseconds=(time.perf_counter() - began) * 1000)
        milliseconds = (time.perf_counter() - began) * 1000
        found = [(each.passage.id, each.passage.subject_id) for each in findings.found]
        keys = keys_of(found, relevant)
        return _Outcome(measure(keys, relevant, k), milliseconds, keys[:SHOWN])

    async def _keep(
        self,
        ctx: RunContext,
        questions: Sequence[EvaluatedQuestion],
        outcomes: dict[str, list[_Outcome]],
        results: dict[str, Any],
    ) -> None:
        async with self._database.unit(ctx.scope) as session:
            for number, question in enumerate(questions):
                told = [each[number].told(label) for label, each in outcomes.items()]
                await crud.keep_outcomes(session, ctx.workspace_id, question.id, told)
            evaluation_id = UUID(ctx.input["evaluation_id"])
            evaluation = await restorable.find(
                session, Evaluation, ctx.workspace_id, evaluation_id, for_update=True
            )
            if evaluation is not None:
                evaluation.results = results

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Say how it ended; what it cost stands in the ledger with its calls."""
        evaluation_id = UUID(ctx.input["evaluation_id"])
        evaluation = await restorable.find(
            session, Evaluation, ctx.workspace_id, evaluation_id, for_update=True
        )
        if evaluation is not None:
            evaluation.status, evaluation.ended_at = ending.status, now()
        if evaluation is not None and ending.status == "completed":
            named = {"evaluation_id": evaluation_id, "kind": KIND}
            await emit(
                session,
                ctx.workspace_id,
                "evaluation.completed",
                named,
                subject_id=evaluation_id,
                user_id=ctx.user_id,
            )
        return Settlement({"evaluation_id": str(evaluation_id)})


def access_told(ctx: RunContext) -> Access:
    """Who asked, with what they were allowed to see then."""
    known = ctx.input
    permissions = frozenset(Permission(each) for each in known["permissions"])
    return replace(access_of(ctx), permissions=permissions, role=known["role"])


def configurations_of(evaluation: Evaluation) -> list[EvaluatedConfiguration]:
    return [EvaluatedConfiguration.model_validate(each) for each in evaluation.configurations]


def results_of(
    configurations: Sequence[EvaluatedConfiguration], outcomes: dict[str, list[_Outcome]]
) -> dict[str, Any]:
    """The figures of each, and each against the first one."""
    baseline, *others = configurations
    measured = {label: [one.measured for one in each] for label, each in outcomes.items()}
    return {
        "configurations": [_figures(each, outcomes[each.label]) for each in configurations],
        "comparisons": [
            {
                "label": each.label,
                "baseline": baseline.label,
                **_renamed(
                    {
                        name: asdict(difference)
                        for name, difference in compare(
                            measured[baseline.label], measured[each.label]
                        ).items()
                    }
                ),
            }
            for each in others
        ],
    }


def _figures(configuration: EvaluatedConfiguration, outcomes: Sequence[_Outcome]) -> dict[str, Any]:
    times = sorted(each.milliseconds for each in outcomes)
    return {
        "label": configuration.label,
        "k": configuration.k,
        **_renamed(mean([each.measured for each in outcomes])),
        "failed": sum(each.error is not None for each in outcomes),
        "p50_ms": round(times[len(times) // 2], 2),
        "p95_ms": round(times[min(len(times) - 1, len(times) * 95 // 100)], 2),
    }


def _renamed(figures: dict[str, Any]) -> dict[str, Any]:
    return {NAMES[name]: value for name, value in figures.items()}
