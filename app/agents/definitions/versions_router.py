"""/v1/agents/{agent_id}/versions, /diff, /rollback and /labels."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from app.agents.definitions import service, versions
from app.agents.definitions.edge import DeskDep, find_later
from app.agents.definitions.errors import (
    AgentLabelNotFound,
    AgentNotFound,
    AgentReadOnly,
    AgentVersionNotFound,
    TooManyLabels,
    TooManyVersions,
)
from app.agents.definitions.models import AGENT_KIND, Agent, AgentVersion
from app.agents.definitions.schemas import AgentDetail, AgentRead
from app.agents.definitions.version_schemas import (
    AgentRollback,
    AgentVersionDetail,
    AgentVersionQuery,
    AgentVersionRead,
    DefinitionDiff,
    DiffQuery,
)
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.identity.versioned import versions as numbered
from app.identity.versioned.errors import LabelReserved
from app.identity.versioned.schemas import Label, LabelPut

Reader = Annotated[Access, require(Permission.AGENTS_READ)]
Writer = Annotated[Access, require(Permission.AGENTS_WRITE)]
Number = Annotated[int, Path(ge=1, le=1_000_000)]
LabelPath = Annotated[Label, Path()]

router = guarded_router(prefix="/v1/agents/{agent_id}", tag="agent_versions")


@router.get(
    "/versions",
    operation_id="agent_versions_list",
    summary="List an agent's versions, newest first",
    response_model=Page[AgentVersionRead],
    responses=problems(AgentNotFound, CursorInvalid),
)
async def list_versions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    agent_id: UUID,
    query: Annotated[AgentVersionQuery, Query()],
) -> object:
    agent = await service.get(session, access, agent_id)
    return await numbered.page(session, AGENT_KIND, agent, query, kernel.cursors)


@router.get(
    "/versions/{number}",
    operation_id="agent_versions_get",
    summary="Show a version of an agent",
    response_model=AgentVersionDetail,
    responses=problems(AgentNotFound, AgentVersionNotFound),
)
async def get_version(
    access: Reader, session: Session, agent_id: UUID, number: Number
) -> AgentVersion:
    agent = await service.get(session, access, agent_id)
    return await versions.get(session, agent, number)


@router.get(
    "/diff",
    operation_id="agent_versions_compare",
    summary="Show what differs between two versions of an agent",
    response_model=DefinitionDiff,
    responses=problems(AgentNotFound, AgentVersionNotFound),
)
async def compare_versions(
    access: Reader, session: Session, agent_id: UUID, query: Annotated[DiffQuery, Query()]
) -> object:
    agent = await service.get(session, access, agent_id)
    since, to, found = await versions.compare(session, agent, query.from_version, query.to_version)
    return {"from_version": since, "to_version": to, "changes": list(found)}


@router.post(
    "/rollback",
    operation_id="agent_versions_rollback",
    summary="Make an old version's definition the newest version",
    description=(
        "Labels stay where they are. Whether the tools and models of the old version are still "
        "there is told by `POST /v1/agents/validate`, and by the next run."
    ),
    response_model=AgentDetail,
    responses=problems(AgentNotFound, AgentReadOnly, AgentVersionNotFound, TooManyVersions),
)
async def roll_back(
    access: Writer, session: Session, desk: DeskDep, agent_id: UUID, wanted: AgentRollback
) -> AgentDetail:
    find_later(session, desk)
    return await service.roll_back(session, access, agent_id, wanted.version, wanted.note)


@router.put(
    "/labels/{label}",
    operation_id="agent_labels_put",
    summary="Have a label name a version",
    description="Runs take the version `production` where there is one. `draft` is the newest.",
    response_model=AgentRead,
    responses=problems(
        AgentNotFound, AgentReadOnly, AgentVersionNotFound, LabelReserved, TooManyLabels
    ),
)
async def put_label(
    access: Writer, session: Session, agent_id: UUID, label: LabelPath, wanted: LabelPut
) -> Agent:
    agent = await service.get(session, access, agent_id, to="write", for_update=True)
    return await numbered.label(session, AGENT_KIND, agent, label, wanted.version)


@router.delete(
    "/labels/{label}",
    operation_id="agent_labels_delete",
    summary="Take a label away",
    status_code=204,
    responses=problems(AgentNotFound, AgentReadOnly, AgentLabelNotFound, LabelReserved),
)
async def delete_label(access: Writer, session: Session, agent_id: UUID, label: LabelPath) -> None:
    agent = await service.get(session, access, agent_id, to="write", for_update=True)
    await numbered.unlabel(session, AGENT_KIND, agent, label)
