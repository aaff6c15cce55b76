"""Versions of agents in Postgres, and what probes found; a version is never changed."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.definitions.models import AgentVersion, ModelProbe
from app.core.clock import now
from app.core.ids import new_id
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page


async def add(session: AsyncSession, version: AgentVersion) -> AgentVersion:
    session.add(version)
    await session.flush()
    return version


async def get(
    session: AsyncSession, workspace_id: UUID, agent_id: UUID, number: int
) -> AgentVersion | None:
    statement = select(AgentVersion).where(
        AgentVersion.workspace_id == workspace_id,
        AgentVersion.agent_id == agent_id,
        AgentVersion.number == number,
    )
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession, workspace_id: UUID, agent_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[AgentVersion]:
    """Newest first."""
    return await fetch_page(
        session,
        select(AgentVersion).where(
            AgentVersion.workspace_id == workspace_id, AgentVersion.agent_id == agent_id
        ),
        Keyset(AgentVersion.created_at, AgentVersion.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(agent_id),
    )


async def newest_of(
    session: AsyncSession, workspace_id: UUID, numbers: Mapping[UUID, int]
) -> Mapping[UUID, AgentVersion]:
    """One version of each of some agents, by their ids."""
    statement = select(AgentVersion).where(
        AgentVersion.workspace_id == workspace_id,
        tuple_(AgentVersion.agent_id, AgentVersion.number).in_(list(numbers.items())),
    )
    return {row.agent_id: row for row in (await session.scalars(statement)).all()}


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
