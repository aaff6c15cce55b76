"""/v1/graph/relations."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.knowledge.graph.edge import Reader, SourcesDep, Writer
from app.knowledge.graph.entities.schemas import ContributionRead
from app.knowledge.graph.errors import (
    EntityNotFound,
    RelationExists,
    RelationInvalid,
    RelationNotFound,
)
from app.knowledge.graph.relations import service
from app.knowledge.graph.relations.schemas import (
    RelationCreate,
    RelationQuery,
    RelationRead,
    RelationUpdate,
)
from app.knowledge.graph.relations.service import ShownRelation
from app.knowledge.graph.sight import viewer_of

router = guarded_router(prefix="/v1/graph/relations", tag="graph-relations")


@router.get(
    "",
    operation_id="graph_relations_list",
    summary="List the relations that you may see, newest first",
    response_model=Page[RelationRead],
    responses=problems(CursorInvalid),
)
async def list_relations(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    sources: SourcesDep,
    query: Annotated[RelationQuery, Query()],
) -> object:
    viewer = await viewer_of(session, access, sources)
    return await service.page(session, viewer, query, kernel.cursors)


@router.post(
    "",
    operation_id="graph_relations_create",
    summary="Relate two entities by hand",
    status_code=201,
    response_model=RelationRead,
    responses=problems(EntityNotFound, RelationExists, RelationInvalid),
)
async def create_relation(
    access: Writer, session: Session, sources: SourcesDep, new: RelationCreate, response: Response
) -> ShownRelation:
    made = await service.create(session, await viewer_of(session, access, sources), new)
    response.headers["Location"] = f"/v1/graph/relations/{made.relation.id}"
    return made


@router.get(
    "/{relation_id}",
    operation_id="graph_relations_get",
    summary="Show a relation",
    response_model=RelationRead,
    responses=problems(RelationNotFound),
)
async def get_relation(
    access: Reader, session: Session, sources: SourcesDep, relation_id: UUID
) -> ShownRelation:
    return await service.get(session, await viewer_of(session, access, sources), relation_id)


@router.patch(
    "/{relation_id}",
    operation_id="graph_relations_update",
    summary="Set a relation's description or properties by hand",
    response_model=RelationRead,
    responses=problems(RelationNotFound),
)
async def update_relation(
    access: Writer, session: Session, sources: SourcesDep, relation_id: UUID, change: RelationUpdate
) -> ShownRelation:
    viewer = await viewer_of(session, access, sources)
    return await service.update(session, viewer, relation_id, change)


@router.delete(
    "/{relation_id}",
    operation_id="graph_relations_delete",
    summary="Take a relation out of the graph, whatever tells of it",
    status_code=204,
    responses=problems(RelationNotFound),
)
async def delete_relation(
    access: Writer, session: Session, sources: SourcesDep, relation_id: UUID
) -> None:
    await service.delete(session, await viewer_of(session, access, sources), relation_id)


@router.post(
    "/{relation_id}/restore",
    operation_id="graph_relations_restore",
    summary="Bring a deleted relation back",
    response_model=RelationRead,
    responses=problems(RelationNotFound, RestoreExpired),
)
async def restore_relation(
    access: Writer, session: Session, sources: SourcesDep, relation_id: UUID
) -> ShownRelation:
    return await service.restore(session, await viewer_of(session, access, sources), relation_id)


@router.get(
    "/{relation_id}/contributions",
    operation_id="graph_relations_list_contributions",
    summary="List the passages that tell of a relation",
    response_model=Page[ContributionRead],
    responses=problems(RelationNotFound, CursorInvalid),
)
async def list_contributions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    sources: SourcesDep,
    relation_id: UUID,
    query: Annotated[PageQuery, Query()],
) -> object:
    viewer = await viewer_of(session, access, sources)
    return await service.contributions(session, viewer, relation_id, query, kernel.cursors)
