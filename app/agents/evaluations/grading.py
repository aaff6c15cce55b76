"""All graders of an evaluation over one answer."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from app.agents.evaluations.asking import Asked, Spent
from app.agents.evaluations.graders import bounds, judging, structures, texts
from app.agents.evaluations.graders.grade import Grade, Marked, Ungradable, Verdict, marked
from app.agents.evaluations.graders.kinds import Grader, ModelJudgeGrader, SimilarityGrader
from app.agents.evaluations.graders.sample import Case, Sample
from app.core.errors import AppError
from app.inference.embeddings.embedder import Embedder
from app.inference.providers.types import ChatRequest

# What needs no model; `similarity` of embeddings and judges are asked.
PLAIN: Final[dict[str, Callable[[Any, Case, Sample], Verdict]]] = {
    "exact": texts.exact,
    "contains": texts.contains,
    "regex": texts.regex,
    "json_schema": structures.json_schema,
    "json_path": structures.json_path,
    "numeric": structures.numeric,
    "similarity": texts.alike,
    "tool_use": bounds.tool_use,
    "cost": bounds.cost,
    "latency": bounds.latency,
    "steps": bounds.steps,
}
# What comes of many calls at once is rounded; a grade at its threshold passes.
ALMOST: Final = 1e-9


class Asking(Protocol):
    """Asks a model."""

    async def ask(self, request: ChatRequest, spent: Spent) -> Asked: ...


class Embedding(Protocol):
    """Finds an embedder by its model; None is the local one."""

    async def __call__(self, model: str | None) -> Embedder: ...


class Grading:
    """The graders of one experiment."""

    def __init__(
        self, graders: Sequence[Grader], pass_score: float, asker: Asking, embedding: Embedding
    ) -> None:
        self._graders = graders
        self._pass_score = pass_score
        self._asker = asker
        self._embedding = embedding

    async def mark(self, case: Case, sample: Sample) -> Marked:
        """Raises nothing that a provider or a template does: that grade is 0, and says why."""
        fitting = [each for each in self._graders if fits(each, case)]
        grades = await asyncio.gather(*(self._graded(each, case, sample) for each in fitting))
        return marked(tuple(grades), self._pass_score)

    def unanswered(self, case: Case) -> Marked:
        """The grades of a case that nobody answered: 0 of each grader that would have looked."""
        reason = "There is no answer."
        return marked(
            tuple(
                Grade(
                    each.name,
                    each.type,
                    0.0,
                    passed=False,
                    required=each.required,
                    weight=each.weight,
                    reason=reason,
                    error="not_answered",
                )
                for each in self._graders
                if fits(each, case)
            ),
            self._pass_score,
        )

    async def _graded(self, grader: Grader, case: Case, sample: Sample) -> Grade:
        spent = Spent()
        try:
            verdict, error = await self._verdict(grader, case, sample, spent), None
        except Ungradable as unfit:
            verdict, error = Verdict(0.0, str(unfit)), unfit.code
        except AppError as failed:
            verdict, error = Verdict(0.0, failed.detail), failed.code
        passed = error is None and verdict.score >= grader.threshold - ALMOST
        return Grade(
            grader.name,
            grader.type,
            verdict.score,
            passed,
            grader.required,
            grader.weight,
            verdict.reason,
            verdict.detail,
            error,
            spent.total.cost_usd,
            spent.total.input_tokens,
            spent.total.output_tokens,
        )

    async def _verdict(self, grader: Grader, case: Case, sample: Sample, spent: Spent) -> Verdict:
        if isinstance(grader, ModelJudgeGrader):
            return await self.judged(grader, case, sample, spent)
        if isinstance(grader, SimilarityGrader) and grader.metric == "cosine":
            return await self._near(grader, case, sample)
        return await asyncio.to_thread(PLAIN[grader.type], grader, case, sample)

    async def judged(
        self, judge: ModelJudgeGrader, case: Case, sample: Sample, spent: Spent
    ) -> Verdict:
        """Raises Ungradable, and what asking a model raises."""
        asked = await self._asker.ask(judging.request_of(judge, case, sample), spent)
        return judging.read(judge, asked.text)

    async def _near(self, grader: SimilarityGrader, case: Case, sample: Sample) -> Verdict:
        text, reference = texts.pair_of(grader, case, sample)
        if not text.strip() or not reference.strip():
            return Verdict(float(text.strip() == reference.strip()), "One of the two is empty.")
        embedder = await self._embedding(grader.model)
        first, second = await embedder.embed([text, reference])
        cosine = sum(a * b for a, b in zip(first, second, strict=True))
        score = min(max(cosine, 0.0), 1.0)
        return Verdict(score, f"The cosine of their embeddings is {cosine:.3f}.")


def fits(grader: Grader, case: Case) -> bool:
    """Whether a grader looks at this case at all."""
    return not grader.tags or bool(set(grader.tags) & set(case.tags))
