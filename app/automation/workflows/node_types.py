"""The node types that a definition can use, page by page."""

import asyncio
import inspect
from typing import Any

from app.automation.nodes.node_type import NodeType
from app.automation.nodes.registry import NodeTypes
from app.automation.workflows.node_types_schemas import NodeTypeQuery, NodeTypeRead
from app.core.auth import Access
from app.core.json_bounds import with_bounds
from app.core.paging import Cursors, Slice, page_of


async def page(
    types: NodeTypes, access: Access, query: NodeTypeQuery, cursors: Cursors
) -> Slice[NodeTypeRead]:
    """Raises CursorInvalid. What each lacks is asked anew each time."""
    told = await asyncio.gather(*(_told(each, access) for each in types if _fits(each, query)))
    return page_of(
        [each for each in told if query.ready is None or each.ready == query.ready],
        lambda each: f"{each.type}@{each.v:06}",
        query,
        name="workflow_node_types",
        cursors=cursors,
        workspace_id=access.workspace_id,
    )


def _fits(node_type: NodeType[Any], query: NodeTypeQuery) -> bool:
    if query.kind is not None and node_type.kind != query.kind:
        return False
    said = f"{node_type.name}\n{node_type.title}".casefold()
    return query.q is None or query.q.casefold() in said


async def _told(node_type: NodeType[Any], access: Access) -> NodeTypeRead:
    missing = await node_type.missing(access)
    return NodeTypeRead(
        type=node_type.name,
        v=node_type.version,
        title=node_type.title,
        description=inspect.getdoc(type(node_type)) or "",
        kind=node_type.kind,
        ports=sorted(node_type.ports_of(node_type.example.get("with", {}))),
        scopes=sorted(node_type.scopes),
        settings=with_bounds(node_type.config.model_json_schema()),
        example=dict(node_type.example),
        ready=missing is None,
        missing=missing,
    )
