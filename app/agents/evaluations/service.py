"""What the members of a workspace do with evaluations."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from app.agents.evaluations import crud
from app.agents.evaluations.datasets import service as datasets
from app.agents.evaluations.errors import EvaluationNotFound
from app.agents.evaluations.graders.kinds import Grader
from app.agents.evaluations.models import AgentEvaluation
from app.agents.evaluations.schemas import (
    AgentEvaluationCreate,
    AgentEvaluationQuery,
    AgentEvaluationUpdate,
)
from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match

_GRADERS: TypeAdapter[list[Grader]] = TypeAdapter(list[Grader])


def kept(graders: Sequence[Grader]) -> list[dict[str, Any]]:
    """Graders as a row keeps them: what was left out stays left out."""
    return [each.model_dump(mode="json", exclude_unset=True) for each in graders]


def graders_in(rows: Sequence[Any]) -> list[Grader]:
    return _GRADERS.validate_python(list(rows))


async def create(
    session: AsyncSession, access: Access, new: AgentEvaluationCreate
) -> AgentEvaluation:
    """Raises DatasetNotFound."""
    await datasets.get(session, access, new.dataset_id)
    made = AgentEvaluation(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        dataset_id=new.dataset_id,
        name=new.name,
        description=new.description,
        labels=new.metadata,
        graders=kept(new.graders),
        pass_score=new.pass_score,
        thresholds=new.thresholds.model_dump(mode="json"),
        calibrations=[],
    )
    await crud.add(session, made)
    return made


async def get(
    session: AsyncSession, access: Access, evaluation_id: UUID, *, for_update: bool = False
) -> AgentEvaluation:
    """Raises EvaluationNotFound."""
    found = await restorable.find(
        session, AgentEvaluation, access.workspace_id, evaluation_id, for_update=for_update
    )
    if found is None or found.deleted_at:
        raise EvaluationNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: AgentEvaluationQuery, cursors: Cursors
) -> Slice[AgentEvaluation]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def change(
    session: AsyncSession, found: AgentEvaluation, change: AgentEvaluationUpdate
) -> AgentEvaluation:
    """Write a change to one that was found for update; experiments keep the graders they had."""
    given = change.given()
    if "graders" in given:
        given["graders"] = kept(change.graders or ())
    if "thresholds" in given and change.thresholds is not None:
        given["thresholds"] = change.thresholds.model_dump(mode="json")
    if "baseline" in given:
        given.pop("baseline")
        found.baseline_experiment_id = change.baseline.experiment_id if change.baseline else None
        found.baseline_target = change.baseline.target if change.baseline else None
    for name, value in given.items():
        setattr(found, "labels" if name == "metadata" else name, value)
    await session.flush()
    await session.refresh(found)
    return found


async def delete(session: AsyncSession, access: Access, evaluation_id: UUID) -> None:
    """Its experiments stay."""
    found = await get(session, access, evaluation_id, for_update=True)
    await match(session, found)
    found.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, evaluation_id: UUID) -> AgentEvaluation:
    """Raises EvaluationNotFound and RestoreExpired."""
    found = await restorable.find(
        session, AgentEvaluation, access.workspace_id, evaluation_id, for_update=True
    )
    if found is None:
        raise EvaluationNotFound
    await restorable.bring_back(session, found)
    return found
