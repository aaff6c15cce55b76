"""/v1/graph/schemas."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.calls.features import FeatureNotAllowed
from app.knowledge.graph.edge import Reader, SourcesDep, Writer
from app.knowledge.graph.errors import SchemaNotFound, TargetNotFound
from app.knowledge.graph.models import GraphSchema
from app.knowledge.graph.schemata import service
from app.knowledge.graph.schemata.schemas import (
    GraphSchemaCreate,
    GraphSchemaQuery,
    GraphSchemaRead,
    GraphSchemaUpdate,
)
from app.knowledge.graph.sight import viewer_of

router = guarded_router(prefix="/v1/graph/schemas", tag="graph-schemas")


@router.get(
    "",
    operation_id="graph_schemas_list",
    summary="List graph schemas, newest first",
    response_model=Page[GraphSchemaRead],
    responses=problems(CursorInvalid),
)
async def list_schemas(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[GraphSchemaQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="graph_schemas_create",
    summary="Say what is looked for in passages, and how",
    status_code=201,
    response_model=GraphSchemaRead,
    responses=problems(TargetNotFound, FeatureNotAllowed),
)
async def create_schema(
    access: Writer,
    session: Session,
    sources: SourcesDep,
    new: GraphSchemaCreate,
    response: Response,
) -> GraphSchema:
    made = await service.create(session, await viewer_of(session, access, sources), new)
    response.headers["Location"] = f"/v1/graph/schemas/{made.id}"
    return made


@router.get(
    "/{graph_schema_id}",
    operation_id="graph_schemas_get",
    summary="Show a graph schema",
    response_model=GraphSchemaRead,
    responses=problems(SchemaNotFound),
)
async def get_schema(access: Reader, session: Session, graph_schema_id: UUID) -> GraphSchema:
    return await service.get(session, access, graph_schema_id)


@router.patch(
    "/{graph_schema_id}",
    operation_id="graph_schemas_update",
    summary="Change a graph schema; who changes it pays for what is read by itself",
    response_model=GraphSchemaRead,
    responses=problems(SchemaNotFound, TargetNotFound, FeatureNotAllowed),
)
async def update_schema(
    access: Writer,
    session: Session,
    sources: SourcesDep,
    graph_schema_id: UUID,
    change: GraphSchemaUpdate,
) -> GraphSchema:
    viewer = await viewer_of(session, access, sources)
    return await service.update(session, viewer, graph_schema_id, change)


@router.delete(
    "/{graph_schema_id}",
    operation_id="graph_schemas_delete",
    summary="Delete a graph schema; what it has found stays",
    status_code=204,
    responses=problems(SchemaNotFound),
)
async def delete_schema(access: Writer, session: Session, graph_schema_id: UUID) -> None:
    await service.delete(session, access, graph_schema_id)


@router.post(
    "/{graph_schema_id}/restore",
    operation_id="graph_schemas_restore",
    summary="Bring a deleted graph schema back",
    response_model=GraphSchemaRead,
    responses=problems(SchemaNotFound, RestoreExpired),
)
async def restore_schema(access: Writer, session: Session, graph_schema_id: UUID) -> GraphSchema:
    return await service.restore(session, access, graph_schema_id)
