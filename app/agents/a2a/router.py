"""/v1/remote-agents: agents of other services, for agents here to ask."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from app.agents.a2a import service
from app.agents.a2a.errors import (
    A2aAgentNotFound,
    A2aAgentSlugTaken,
    CardUnusable,
    TooManyA2aAgents,
)
from app.agents.a2a.schemas import (
    A2aAgentCreate,
    A2aAgentQuery,
    A2aAgentRead,
    A2aAgentUpdate,
)
from app.agents.a2a.service import Card
from app.agents.a2a.source import A2aSource
from app.agents.credentials.errors import ToolCredentialNotFound, ToolCredentialUnusable
from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.TOOLS_READ)]
Writer = Annotated[Access, require(Permission.TOOLS_WRITE)]

router = guarded_router(prefix="/v1/remote-agents", tag="remote_agents")

READING = (CardUnusable, ToolCredentialNotFound, ToolCredentialUnusable)


def source_of(request: Request) -> A2aSource:
    source: A2aSource = request.app.state.agents.remote
    return source


SourceDep = Annotated[A2aSource, Depends(source_of)]


async def read_new(
    access: Writer, source: SourceDep, new: A2aAgentCreate
) -> tuple[A2aAgentCreate, Card]:
    """The card is read before a connection is taken."""
    return new, await service.read(source, access, new.card_url, new.credential)


async def read_again(
    access: Writer, source: SourceDep, kernel: KernelDep, remote_agent_id: UUID
) -> Card:
    async with kernel.database.unit(access.scope) as session:
        known = await service.get(session, access, remote_agent_id)
    return await service.read(source, access, known.card_url, known.credential)


@router.get(
    "",
    operation_id="remote_agents_list",
    summary="List agents of other services, newest first",
    response_model=Page[A2aAgentRead],
    responses=problems(CursorInvalid),
)
async def list_agents(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[A2aAgentQuery, Query()]
) -> object:
    return (await service.page(session, access, query, kernel.cursors)).map(service.shown)


@router.post(
    "",
    operation_id="remote_agents_create",
    summary="Make an agent of another service known, by its A2A card",
    description=(
        "Agents here ask it as the tool `a2a:<slug>`. Its card is read now; what it says of "
        "itself is shown to models as quoted data."
    ),
    status_code=201,
    response_model=A2aAgentRead,
    responses=problems(A2aAgentSlugTaken, TooManyA2aAgents, *READING),
)
async def create_agent(
    access: Writer,
    read: Annotated[tuple[A2aAgentCreate, Card], Depends(read_new)],
    session: Session,
    response: Response,
) -> A2aAgentRead:
    made = await service.create(session, access, *read)
    response.headers["Location"] = f"/v1/remote-agents/{made.id}"
    return service.shown(made)


@router.get(
    "/{remote_agent_id}",
    operation_id="remote_agents_get",
    summary="Show an agent of another service",
    response_model=A2aAgentRead,
    responses=problems(A2aAgentNotFound),
)
async def get_agent(access: Reader, session: Session, remote_agent_id: UUID) -> A2aAgentRead:
    return service.shown(await service.get(session, access, remote_agent_id))


@router.patch(
    "/{remote_agent_id}",
    operation_id="remote_agents_update",
    summary="Change what is known here of an agent of another service",
    response_model=A2aAgentRead,
    responses=problems(A2aAgentNotFound, A2aAgentSlugTaken),
)
async def update_agent(
    access: Writer, session: Session, remote_agent_id: UUID, change: A2aAgentUpdate
) -> A2aAgentRead:
    return service.shown(await service.update(session, access, remote_agent_id, change))


@router.post(
    "/{remote_agent_id}/refresh",
    operation_id="remote_agents_refresh",
    summary="Read its card again; where its address has changed, it is trusted no more",
    response_model=A2aAgentRead,
    responses=problems(A2aAgentNotFound, *READING),
)
async def refresh_agent(
    access: Writer,
    card: Annotated[Card, Depends(read_again)],
    session: Session,
    remote_agent_id: UUID,
) -> A2aAgentRead:
    return service.shown(await service.refresh(session, access, remote_agent_id, card))


@router.delete(
    "/{remote_agent_id}",
    operation_id="remote_agents_delete",
    summary="Forget an agent of another service; it can be restored for 30 days",
    status_code=204,
    responses=problems(A2aAgentNotFound),
)
async def delete_agent(access: Writer, session: Session, remote_agent_id: UUID) -> None:
    await service.delete(session, access, remote_agent_id)


@router.post(
    "/{remote_agent_id}/restore",
    operation_id="remote_agents_restore",
    summary="Bring a deleted one back",
    response_model=A2aAgentRead,
    responses=problems(A2aAgentNotFound, A2aAgentSlugTaken, TooManyA2aAgents, RestoreExpired),
)
async def restore_agent(access: Writer, session: Session, remote_agent_id: UUID) -> A2aAgentRead:
    return service.shown(await service.restore(session, access, remote_agent_id))
