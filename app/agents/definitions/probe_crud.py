"""What probes found of models, in Postgres."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.definitions.models import ModelProbe
from app.core.clock import now
from app.core.ids import new_id


async def probes(
    session: AsyncSession, workspace_id: UUID, models: Sequence[str] | None = None
) -> Sequence[ModelProbe]:
    """What was found of these models, or of all."""
    statement = select(ModelProbe).where(ModelProbe.workspace_id == workspace_id)
    if models is not None:
        statement = statement.where(ModelProbe.model.in_(models))
    return (await session.scalars(statement)).all()


async def keep_probe(
    session: AsyncSession, workspace_id: UUID, model: str, capability: str, found: tuple[bool, str]
) -> None:
    """Keep whether a model was able, and what it said, in place of what was known."""
    moment = now()
    values: dict[str, Any] = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "model": model,
        "capability": capability,
        "able": found[0],
        "detail": found[1],
        "created_at": moment,
        "updated_at": moment,
    }
    changed = {name: values[name] for name in ("able", "detail", "updated_at")}
    await session.execute(
        insert(ModelProbe)
        .values(values)
        .on_conflict_do_update(
            index_elements=[ModelProbe.workspace_id, ModelProbe.model, ModelProbe.capability],
            set_=changed,
        )
    )
