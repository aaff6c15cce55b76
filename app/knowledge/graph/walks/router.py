"""Neighbourhoods, paths, communities and layouts under /v1/graph."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request

from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.knowledge.graph.edge import Reader, SourcesDep
from app.knowledge.graph.errors import EntityNotFound, RelationInvalid
from app.knowledge.graph.sight import viewer_of
from app.knowledge.graph.walks import service
from app.knowledge.graph.walks.picture import Drawing
from app.knowledge.graph.walks.schemas import (
    CommunityQuery,
    CommunityResult,
    LayoutRead,
    NeighbourhoodQuery,
    NeighbourhoodRead,
    PathCreate,
    PathResult,
)

router = guarded_router(prefix="/v1/graph", tag="graph-walks")


def _drawing_of(request: Request) -> Drawing:
    drawing: Drawing = request.app.state.drawing
    return drawing


DrawingDep = Annotated[Drawing, Depends(_drawing_of)]


@router.get(
    "/entities/{entity_id}/neighbourhood",
    operation_id="graph_neighbourhoods_get",
    summary="Show what is near an entity",
    response_model=NeighbourhoodRead,
    responses=problems(EntityNotFound),
)
async def get_neighbourhood(
    access: Reader,
    session: Session,
    sources: SourcesDep,
    entity_id: UUID,
    query: Annotated[NeighbourhoodQuery, Query()],
) -> object:
    viewer = await viewer_of(session, access, sources)
    return await service.near(session, viewer, entity_id, query)


@router.post(
    "/paths",
    operation_id="graph_paths_find",
    summary="Find the shortest ways from one entity to another",
    dependencies=[off_rails("it reads and changes nothing")],
    response_model=PathResult,
    responses=problems(EntityNotFound, RelationInvalid),
)
async def find_paths(
    access: Reader, session: Session, sources: SourcesDep, wish: PathCreate
) -> object:
    viewer = await viewer_of(session, access, sources)
    return await service.paths(session, viewer, wish)


@router.get(
    "/communities",
    operation_id="graph_communities_list",
    summary="Find what belongs together, among what is told of most often",
    response_model=CommunityResult,
    responses=problems(),
)
async def list_communities(
    access: Reader,
    kernel: KernelDep,
    sources: SourcesDep,
    drawing: DrawingDep,
    query: Annotated[CommunityQuery, Query()],
) -> object:
    return await service.communities(kernel.database, access, sources, drawing, query)


@router.get(
    "/layout",
    operation_id="graph_layouts_get",
    summary="Show the graph ready to be drawn: places, sizes and communities",
    response_model=LayoutRead,
    responses=problems(),
)
async def get_layout(
    access: Reader,
    kernel: KernelDep,
    sources: SourcesDep,
    drawing: DrawingDep,
    query: Annotated[CommunityQuery, Query()],
) -> object:
    return await service.layout(kernel.database, access, sources, drawing, query)
