"""Holding judges to the examples that people have labelled."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.agents.evaluations.asking import Spent
from app.agents.evaluations.graders import judging
from app.agents.evaluations.graders.grade import Ungradable
from app.agents.evaluations.graders.kinds import LabelledExample, ModelJudgeGrader
from app.agents.evaluations.grading import Grading

AT_ONCE: Final = 4


async def calibrated(
    judges: Sequence[ModelJudgeGrader],
    known: Mapping[str, dict[str, Any]],
    grading: Grading,
    spent: Spent,
) -> list[dict[str, Any]]:
    """How far each judge agrees, as rows keep it; what is `known` by its digest is not asked again.

    Raises what asking a model raises: a judge that cannot be asked says nothing.
    """
    found = []
    for judge in judges:
        digest = judging.digest_of(judge)
        if digest in known:
            found.append({**known[digest], "grader": judge.name})
        else:
            found.append(judging.calibrated(judge, await _said(judge, grading, spent)).kept())
    return found


async def _said(judge: ModelJudgeGrader, grading: Grading, spent: Spent) -> list[bool | None]:
    """What the judge says of every example; None where it could not be read."""
    assert judge.calibration is not None  # noqa: S101 - only such judges are calibrated
    slots = asyncio.Semaphore(AT_ONCE)

    async def ask(example: LabelledExample) -> bool | None:
        async with slots:
            case, sample = judging.example_of(example)
            try:
                verdict = await grading.judged(judge, case, sample, spent)
            except Ungradable:
                return None
            return verdict.score >= judge.threshold

    return list(await asyncio.gather(*map(ask, judge.calibration.examples)))
