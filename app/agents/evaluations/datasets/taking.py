"""Cases out of files, and out of past runs."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from app.agents.evaluations.datasets import crud, service
from app.agents.evaluations.datasets.files import case_of, rows_of
from app.agents.evaluations.datasets.models import Dataset
from app.agents.evaluations.datasets.schemas import (
    CaseFileQuery,
    CasesAdded,
    CasesFromRuns,
    DatasetCaseCreate,
    RefusedRow,
)
from app.agents.evaluations.ports import PastRun, PastSource, Wanted
from app.core.auth import Access
from app.core.db import AsyncSession


async def take_file(
    session: AsyncSession, access: Access, dataset_id: UUID, content: bytes, query: CaseFileQuery
) -> CasesAdded:
    """Add what can be read of a file; raises DatasetNotFound, DatasetFull, CaseFileMalformed."""
    dataset = await service.get(session, access, dataset_id, for_update=True)
    return await take_rows(session, dataset, rows_of(content, query.format))


async def take_rows(
    session: AsyncSession, dataset: Dataset, rows: Iterable[tuple[int, Any]]
) -> CasesAdded:
    """Add what can be read of rows, with their numbers; raises DatasetFull."""
    found = [case_of(number, row) for number, row in rows]
    refusals = [each for each in found if isinstance(each, RefusedRow)]
    values = [service.values_of(each) for each in found if isinstance(each, DatasetCaseCreate)]
    return await service.added(session, dataset, values, refusals)


async def take_runs(
    session: AsyncSession,
    access: Access,
    dataset_id: UUID,
    sources: Sequence[PastSource],
    asked: CasesFromRuns,
) -> CasesAdded:
    """Add what one's own past runs were asked, with their answers as drafts of the expected.

    Raises DatasetNotFound and DatasetFull. A run whose case is there already gives none again.
    """
    dataset = await service.get(session, access, dataset_id, for_update=True)
    runs = await _past(session, access, sources, asked)
    taken = await crud.taken_runs(
        session, dataset.workspace_id, dataset.id, [run.run_id for run in runs]
    )
    refusals = [_refused(run.run_id, "case_exists", "It is a case already.") for run in runs
                if run.run_id in taken]  # fmt: skip
    known = {run.run_id for run in runs}
    refusals += [
        _refused(each, "run_not_found", "You have no completed run with this id.")
        for each in asked.run_ids or ()
        if each not in known
    ]
    values = []
    for run in runs:
        if run.run_id not in taken:
            draft = _drafted(run, asked.tags)
            if isinstance(draft, RefusedRow):
                refusals.append(draft)
            else:
                values.append({**draft, "user_id": access.user_id, "run_id": run.run_id})
    return await service.added(session, dataset, values, refusals)


async def _past(
    session: AsyncSession, access: Access, sources: Sequence[PastSource], asked: CasesFromRuns
) -> list[PastRun]:
    if asked.run_ids is not None:
        wanted, kinds = Wanted(run_ids=list(dict.fromkeys(asked.run_ids))), None
    else:
        told = asked.filter
        assert told is not None  # noqa: S101 - the schema asks for one of the two
        wanted = Wanted(None, told.subject_id, told.since, told.until, told.most)
        kinds = told.kinds
    found: list[PastRun] = []
    for source in sources:
        if kinds is None or source.kind in kinds:
            found += await source.past(session, access, wanted)
    found.sort(key=lambda run: run.run_id, reverse=True)
    return found if asked.run_ids is not None else found[: wanted.most]


def _drafted(run: PastRun, tags: Sequence[str]) -> dict[str, Any] | RefusedRow:
    row = {
        "input": run.input,
        "variables": run.variables,
        "expected": run.output,
        "tags": list(tags),
    }
    made = case_of(0, row)
    if isinstance(made, RefusedRow):
        return _refused(run.run_id, made.code, made.detail)
    return service.values_of(made)


def _refused(run_id: UUID, code: str, detail: str) -> RefusedRow:
    return RefusedRow(row=None, run_id=run_id, code=code, detail=detail)
