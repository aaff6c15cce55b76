"""/v1/agents."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.agents.definitions import checking, duplicating, service, validating
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.edge import DeskDep, find_later
from app.agents.definitions.errors import (
    AgentLabelNotFound,
    AgentNotFound,
    AgentNotYours,
    AgentReadOnly,
    AgentSlugTaken,
    AgentVersionNotFound,
    CapabilityMismatch,
    DefinitionInvalid,
    TooManyAgents,
    TooManyVersions,
)
from app.agents.definitions.models import Agent
from app.agents.definitions.schemas import (
    AgentBulk,
    AgentCreate,
    AgentDetail,
    AgentDuplicate,
    AgentQuery,
    AgentRead,
    AgentUpdate,
    AgentValidate,
    AgentValidation,
    DefinitionSchema,
)
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.identity.versioned.schemas import VersionChoice

Reader = Annotated[Access, require(Permission.AGENTS_READ)]
Writer = Annotated[Access, require(Permission.AGENTS_WRITE)]

router = guarded_router(prefix="/v1/agents", tag="agents")


async def _usable(access: Writer, desk: DeskDep, new: AgentCreate) -> AgentCreate:
    """A new agent that tools and models have been asked about: before a session is opened."""
    await checking.expect_usable(desk, access, new.definition)
    return new


async def _usable_change(
    access: Writer, desk: DeskDep, agent_id: UUID, change: AgentUpdate
) -> AgentUpdate:
    if change.definition is not None:
        async with desk.database.unit(access.scope) as session:
            definition = await service.patched(session, access, agent_id, change)
        await checking.expect_usable(desk, access, definition or AgentDefinition())
    return change


New = Annotated[AgentCreate, Depends(_usable)]
Change = Annotated[AgentUpdate, Depends(_usable_change)]


@router.get(
    "",
    operation_id="agents_list",
    summary="List the agents that the caller sees, newest first",
    response_model=Page[AgentRead],
    responses=problems(CursorInvalid),
)
async def list_agents(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[AgentQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="agents_create",
    summary="Make an agent",
    description="Its definition becomes version 1. `POST /v1/agents/validate` tells mistakes too.",
    status_code=201,
    response_model=AgentDetail,
    responses=problems(AgentSlugTaken, TooManyAgents, DefinitionInvalid, CapabilityMismatch),
)
async def create_agent(
    access: Writer, new: New, session: Session, desk: DeskDep, response: Response
) -> AgentDetail:
    made = await service.create(session, access, new)
    find_later(session, desk)
    response.headers["Location"] = f"/v1/agents/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="agents_bulk",
    summary="Delete or restore up to 500 agents",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_agents(
    access: Writer, session: Session, desk: DeskDep, request: AgentBulk
) -> BulkResult:
    find_later(session, desk)
    return await service.bulk(session, access, request.items)


@router.post(
    "/validate",
    operation_id="agents_validate",
    summary="Tell all mistakes of a definition; nothing is saved",
    dependencies=[off_rails("it reads and changes nothing")],
    response_model=AgentValidation,
    responses=problems(),
)
async def validate_agent(access: Writer, desk: DeskDep, request: AgentValidate) -> AgentValidation:
    return await validating.validate(desk, access, request.definition)


@router.get(
    "/schema",
    operation_id="agents_schema",
    summary="Show the JSON Schema of a definition",
    response_model=DefinitionSchema,
    responses=problems(),
)
async def get_schema(_: Reader) -> DefinitionSchema:
    return validating.schema()


@router.get(
    "/{agent_id}",
    operation_id="agents_get",
    summary="Show an agent, with its newest definition or another version",
    response_model=AgentDetail,
    responses=problems(AgentNotFound, AgentVersionNotFound, AgentLabelNotFound),
)
async def get_agent(
    access: Reader,
    session: Session,
    agent_id: UUID,
    choice: Annotated[VersionChoice, Query()],
) -> AgentDetail:
    return await service.show(session, access, agent_id, choice)


@router.patch(
    "/{agent_id}",
    operation_id="agents_update",
    summary="Change an agent; another definition makes a new version",
    response_model=AgentDetail,
    responses=problems(
        AgentNotFound,
        AgentReadOnly,
        AgentNotYours,
        AgentSlugTaken,
        TooManyVersions,
        DefinitionInvalid,
        CapabilityMismatch,
    ),
)
async def update_agent(
    access: Writer, change: Change, session: Session, desk: DeskDep, agent_id: UUID
) -> AgentDetail:
    find_later(session, desk)
    return await service.update(session, access, agent_id, change)


@router.delete(
    "/{agent_id}",
    operation_id="agents_delete",
    summary="Delete an agent; it can be restored for 30 days",
    status_code=204,
    responses=problems(AgentNotFound, AgentNotYours),
)
async def delete_agent(access: Writer, session: Session, desk: DeskDep, agent_id: UUID) -> None:
    find_later(session, desk)
    await service.delete(session, access, agent_id)


@router.post(
    "/{agent_id}/restore",
    operation_id="agents_restore",
    summary="Bring a deleted agent back, with all its versions",
    response_model=AgentRead,
    responses=problems(AgentNotFound, AgentNotYours, AgentSlugTaken, TooManyAgents, RestoreExpired),
)
async def restore_agent(access: Writer, session: Session, desk: DeskDep, agent_id: UUID) -> Agent:
    find_later(session, desk)
    return await service.restore(session, access, agent_id)


@router.post(
    "/{agent_id}/duplicate",
    operation_id="agents_duplicate",
    summary="Make a new agent of one version of this one",
    status_code=201,
    response_model=AgentDetail,
    responses=problems(AgentNotFound, AgentVersionNotFound, AgentSlugTaken, TooManyAgents),
)
async def duplicate_agent(
    access: Writer,
    session: Session,
    desk: DeskDep,
    agent_id: UUID,
    change: AgentDuplicate,
    response: Response,
) -> AgentDetail:
    made = await duplicating.duplicate(session, access, agent_id, change)
    find_later(session, desk)
    response.headers["Location"] = f"/v1/agents/{made.id}"
    return made
