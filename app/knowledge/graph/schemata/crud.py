"""Graph schemas in Postgres."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.knowledge.graph.models import GraphSchema
from app.knowledge.graph.schemata.schemas import GraphSchemaQuery


async def page(
    session: AsyncSession, workspace_id: UUID, query: GraphSchemaQuery, cursors: Cursors
) -> Slice[GraphSchema]:
    """Newest first."""
    rules = [GraphSchema.parent_id == query.parent_id] if query.parent_id is not None else []
    return await restorable.page(session, GraphSchema, workspace_id, query, cursors, *rules)


async def add(session: AsyncSession, schema: GraphSchema) -> GraphSchema:
    session.add(schema)
    await session.flush()
    return schema
