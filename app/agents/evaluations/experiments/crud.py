"""Experiments and their results in Postgres."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.evaluations.experiments.models import Experiment, ExperimentResult
from app.agents.evaluations.experiments.schemas import ExperimentQuery, ExperimentResultQuery
from app.agents.evaluations.experiments.scored import Scored
from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.calls.totals import Total

ENDED = ("completed", "failed")


async def add(session: AsyncSession, row: Experiment) -> None:
    session.add(row)
    await session.flush()


async def page(
    session: AsyncSession, workspace_id: UUID, query: ExperimentQuery, cursors: Cursors
) -> Slice[Experiment]:
    wanted: list[ColumnElement[bool]] = []
    if query.evaluation_id is not None:
        wanted.append(Experiment.evaluation_id == query.evaluation_id)
    if query.status is not None:
        wanted.append(Experiment.status == query.status)
    return await restorable.page(session, Experiment, workspace_id, query, cursors, *wanted)


async def results(
    session: AsyncSession,
    workspace_id: UUID,
    experiment_id: UUID,
    query: ExperimentResultQuery,
    cursors: Cursors,
) -> Slice[ExperimentResult]:
    statement = select(ExperimentResult).where(
        ExperimentResult.workspace_id == workspace_id,
        ExperimentResult.experiment_id == experiment_id,
    )
    if query.target is not None:
        statement = statement.where(ExperimentResult.target == query.target)
    if query.case_id is not None:
        statement = statement.where(ExperimentResult.case_id == query.case_id)
    if query.passed is not None:
        statement = statement.where(ExperimentResult.passed.is_(query.passed))
    if query.tag is not None:
        statement = statement.where(ExperimentResult.tags.contains(cast([query.tag], JSONB)))
    return await fetch_page(
        session,
        statement,
        Keyset(ExperimentResult.place, ExperimentResult.id, descending=False),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(experiment_id),
    )


async def begun(
    session: AsyncSession, workspace_id: UUID, experiment_id: UUID
) -> Sequence[tuple[str, UUID, int, str, UUID | None]]:
    """(target, case, repeat, status, run) of all there are."""
    columns = ("target", "case_id", "repeat", "status", "run_id")
    statement = select(*(getattr(ExperimentResult, name) for name in columns)).where(
        ExperimentResult.workspace_id == workspace_id,
        ExperimentResult.experiment_id == experiment_id,
    )
    return [tuple(row) for row in await session.execute(statement)]


async def keep(session: AsyncSession, values: dict[str, Any]) -> None:
    """Write a result, in place of the one that said that it is running."""
    statement = insert(ExperimentResult).values(values)
    kept = {
        name: statement.excluded[name]
        for name in values
        if name not in ("id", "workspace_id", "experiment_id", "created_at")
    }
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["experiment_id", "target", "case_id", "repeat"],
            set_=kept,
            where=ExperimentResult.status == "running",
        )
    )


async def end_running(
    session: AsyncSession, workspace_id: UUID, experiment_id: UUID, status: str
) -> Sequence[UUID]:
    """Give those that are still running another status; the runs of their agents."""
    statement = (
        update(ExperimentResult)
        .where(
            ExperimentResult.workspace_id == workspace_id,
            ExperimentResult.experiment_id == experiment_id,
            ExperimentResult.status == "running",
        )
        .values(status=status)
        .returning(ExperimentResult.run_id)
    )
    return [each for each in await session.scalars(statement) if each is not None]


async def scored(
    session: AsyncSession, workspace_id: UUID, experiment_id: UUID, target: str | None = None
) -> list[Scored]:
    """All results that have ended, in the order of the cases."""
    names = list(Scored.__dataclass_fields__)
    statement = (
        select(*(getattr(ExperimentResult, name) for name in names))
        .where(
            ExperimentResult.workspace_id == workspace_id,
            ExperimentResult.experiment_id == experiment_id,
            ExperimentResult.status.in_(ENDED),
        )
        .order_by(ExperimentResult.place, ExperimentResult.id)
    )
    if target is not None:
        statement = statement.where(ExperimentResult.target == target)
    return [Scored(*row) for row in await session.execute(statement)]


async def spent_by_agents(session: AsyncSession, workspace_id: UUID, experiment_id: UUID) -> Total:
    """What the runs of agents came to, as far as they have ended."""
    priceless = and_(ExperimentResult.cost_usd.is_(None), ExperimentResult.status.in_(ENDED))
    statement = select(
        func.coalesce(func.sum(ExperimentResult.input_tokens), 0),
        func.coalesce(func.sum(ExperimentResult.output_tokens), 0),
        func.coalesce(func.sum(ExperimentResult.cost_usd), 0),
        func.count().filter(priceless),
    ).where(
        ExperimentResult.workspace_id == workspace_id,
        ExperimentResult.experiment_id == experiment_id,
        ExperimentResult.run_id.is_not(None),
    )
    read, written, cost, unknown = (await session.execute(statement)).one()
    return Total(int(read), int(written), None if unknown else cost or Decimal(0))
