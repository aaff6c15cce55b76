"""/v1/graph/merges, /v1/graph/suggestions, and how entities are merged and split."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.graph.edge import Reader, SourcesDep, Writer
from app.knowledge.graph.errors import (
    EntityExists,
    EntityNotFound,
    MergeBlocked,
    MergeInvalid,
    MergeNotFound,
)
from app.knowledge.graph.merges import service
from app.knowledge.graph.merges.schemas import (
    MergeCreate,
    MergeQuery,
    MergeRead,
    MergeResult,
    MergeSuggestionRead,
    SplitCreate,
    SuggestionQuery,
)
from app.knowledge.graph.merges.suggesting import suggest
from app.knowledge.graph.models import GraphMerge
from app.knowledge.graph.sight import viewer_of

router = guarded_router(prefix="/v1/graph", tag="graph-merges")


@router.post(
    "/entities/merge",
    operation_id="graph_entities_merge",
    summary="Make entities part of another one",
    description=(
        "Nothing that is told moves: each name keeps what is told of it, and leads to the other "
        "entity from now on, also for what is read later. So a merge can be undone exactly."
    ),
    status_code=201,
    response_model=MergeResult,
    responses=problems(EntityNotFound, MergeInvalid),
)
async def merge_entities(
    access: Writer, session: Session, sources: SourcesDep, new: MergeCreate, response: Response
) -> object:
    viewer = await viewer_of(session, access, sources)
    merge, entity = await service.merge(session, viewer, new)
    response.headers["Location"] = f"/v1/graph/merges/{merge.id}"
    return {"merge": merge, "entity": entity}


@router.post(
    "/entities/{entity_id}/split",
    operation_id="graph_entities_split",
    summary="Take names or single contributions out of an entity, as another one",
    status_code=201,
    response_model=MergeResult,
    responses=problems(EntityNotFound, MergeInvalid, EntityExists),
)
async def split_entity(
    access: Writer,
    session: Session,
    sources: SourcesDep,
    entity_id: UUID,
    new: SplitCreate,
    response: Response,
) -> object:
    viewer = await viewer_of(session, access, sources)
    split, entity = await service.split(session, viewer, entity_id, new)
    response.headers["Location"] = f"/v1/graph/merges/{split.id}"
    return {"merge": split, "entity": entity}


@router.get(
    "/merges",
    operation_id="graph_merges_list",
    summary="List merges and splits, newest first",
    response_model=Page[MergeRead],
    responses=problems(CursorInvalid),
)
async def list_merges(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    sources: SourcesDep,
    query: Annotated[MergeQuery, Query()],
) -> object:
    viewer = await viewer_of(session, access, sources)
    return await service.page(session, viewer, query, kernel.cursors)


@router.get(
    "/merges/{merge_id}",
    operation_id="graph_merges_get",
    summary="Show a merge or a split",
    response_model=MergeRead,
    responses=problems(MergeNotFound),
)
async def get_merge(
    access: Reader, session: Session, sources: SourcesDep, merge_id: UUID
) -> GraphMerge:
    return await service.find(session, await viewer_of(session, access, sources), merge_id)


@router.post(
    "/merges/{merge_id}/undo",
    operation_id="graph_merges_undo",
    summary="Undo a merge or a split",
    response_model=MergeRead,
    responses=problems(MergeNotFound, MergeBlocked),
)
async def undo_merge(
    access: Writer, session: Session, sources: SourcesDep, merge_id: UUID
) -> GraphMerge:
    return await service.undo(session, await viewer_of(session, access, sources), merge_id)


@router.get(
    "/suggestions",
    operation_id="graph_suggestions_list",
    summary="Find entities that may be one",
    description="Each page looks at some entities, and shows those that have near ones.",
    response_model=Page[MergeSuggestionRead],
    responses=problems(CursorInvalid),
)
async def list_suggestions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    sources: SourcesDep,
    query: Annotated[SuggestionQuery, Query()],
) -> object:
    viewer = await viewer_of(session, access, sources)
    return await suggest(session, viewer.sight, query, kernel.cursors)
