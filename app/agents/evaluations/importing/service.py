"""Taking an export in: a dataset of its items, and an evaluation of its criteria."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from app.agents.evaluations import service as evaluations
from app.agents.evaluations.datasets import service as datasets
from app.agents.evaluations.datasets import taking
from app.agents.evaluations.datasets.models import Dataset
from app.agents.evaluations.datasets.schemas import CasesAdded, DatasetCreate
from app.agents.evaluations.experiments.schemas import PromptTarget
from app.agents.evaluations.graders.kinds import Grader
from app.agents.evaluations.importing.errors import ImportedEvaluationInvalid
from app.agents.evaluations.importing.openai import NotTaken, grader_of, row_of, target_of
from app.agents.evaluations.importing.schemas import EvaluationImport, NotImported
from app.agents.evaluations.models import AgentEvaluation
from app.agents.evaluations.schemas import AgentEvaluationCreate
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.errors import FieldError


@dataclass(frozen=True, slots=True)
class Imported:
    evaluation: AgentEvaluation
    dataset: Dataset
    cases: CasesAdded
    target: PromptTarget | None
    left_out: list[NotImported]


async def take_in(session: AsyncSession, access: Access, told: EvaluationImport) -> Imported:
    """Raises ImportedEvaluationInvalid where nothing can be graded, and DatasetFull."""
    graders, left_out = _graders(told)
    name = told.name or told.eval.name.strip()[:200] or "Imported evaluation"
    origin = {**told.metadata, "imported_from": told.source}
    dataset = await datasets.create(session, access, DatasetCreate(name=name, metadata=origin))
    rows = (
        (number, row_of(item, told.input_field, told.expected_field))
        for number, item in _items(told)
    )
    cases = await taking.take_rows(session, dataset, rows)
    evaluation = await evaluations.create(
        session,
        access,
        AgentEvaluationCreate(name=name, dataset_id=dataset.id, graders=graders, metadata=origin),
    )
    target = None
    if told.run is not None:
        found = target_of(told.run, told.model_map)
        if isinstance(found, NotImported):
            left_out.append(found)
        else:
            target = found
    return Imported(evaluation, dataset, cases, target, left_out)


def _graders(told: EvaluationImport) -> tuple[list[Grader], list[NotImported]]:
    graders: list[Grader] = []
    left_out: list[NotImported] = []
    for place, criterion in enumerate(told.eval.testing_criteria, start=1):
        try:
            graders.append(grader_of(criterion, told.model_map, place))
        except NotTaken as reason:
            name, kind = str(criterion.get("name", ""))[:200], str(criterion.get("type", ""))[:60]
            left_out.append(NotImported(name=name, type=kind, reason=str(reason)))
    if not graders:
        reasons = "; ".join(f"{each.name or each.type}: {each.reason}" for each in left_out)
        raise ImportedEvaluationInvalid(
            f"None of its criteria can be taken in: {reasons}"[:2_000],
            errors=(
                FieldError(
                    "/body/eval/testing_criteria", "nothing_taken", "none has a grader here"
                ),
            ),
        )
    return graders, left_out


def _items(told: EvaluationImport) -> Iterator[tuple[int, Any]]:
    if told.items is not None:
        yield from enumerate(told.items, start=1)
        return
    for number, line in enumerate((told.jsonl or "").split("\n"), start=1):
        if line.strip():
            try:
                yield number, orjson.loads(line)
            except ValueError:
                yield number, None
