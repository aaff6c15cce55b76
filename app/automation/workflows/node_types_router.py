"""/v1/workflow-node-types and /v1/workflows/schema."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.agents.definitions.schemas import DefinitionSchema
from app.automation.workflows import node_types
from app.automation.workflows.describing import described
from app.automation.workflows.edge import NodeTypesDep
from app.automation.workflows.node_types_schemas import NodeTypeQuery, NodeTypeRead
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, public, require
from app.core.http.problems import problems
from app.core.http.riding import take_if_none_match
from app.core.paging import CursorInvalid, Page
from app.core.versions import parse_etags

Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]

types_router = guarded_router(prefix="/v1/workflow-node-types", tag="workflow_node_types")
schema_router = guarded_router(prefix="/v1/workflows", tag="workflows")


@types_router.get(
    "",
    operation_id="workflow_node_types_list",
    summary="List the node types that a definition can use",
    description="With the schema of their settings, an example, and what they lack here.",
    response_model=Page[NodeTypeRead],
    responses=problems(CursorInvalid),
)
async def list_node_types(
    access: Reader,
    types: NodeTypesDep,
    kernel: KernelDep,
    query: Annotated[NodeTypeQuery, Query()],
) -> object:
    return await node_types.page(types, access, query, kernel.cursors)


@schema_router.get(
    "/schema",
    operation_id="workflows_schema",
    summary="Show the JSON Schema of the language of definitions",
    description=(
        "For editors: put this address into `$schema`. It changes with the node types of this "
        "service alone, and needs no credential."
    ),
    dependencies=[public, Depends(take_if_none_match)],
    response_model=DefinitionSchema,
    responses=problems(),
)
async def get_schema(types: NodeTypesDep, request: Request) -> Response:
    schema = described(types)
    headers = {"ETag": schema.etag, "Cache-Control": "public, max-age=3600"}
    if schema.etag in parse_etags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(schema.content, media_type="application/json", headers=headers)
