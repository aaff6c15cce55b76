"""What a caller does with graph schemas."""

from uuid import UUID

from app.core import restorable
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import PermissionDenied
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.calls.features import expect_feature
from app.inference.calls.remembering import remembered
from app.knowledge.graph.errors import SchemaNotFound
from app.knowledge.graph.models import GraphSchema
from app.knowledge.graph.schemata import crud
from app.knowledge.graph.schemata.schemas import (
    GraphSchemaCreate,
    GraphSchemaQuery,
    GraphSchemaUpdate,
    plain_kinds,
)
from app.knowledge.graph.sight import Viewer
from app.knowledge.graph.targets import expect_targets


async def page(
    session: AsyncSession, access: Access, query: GraphSchemaQuery, cursors: Cursors
) -> Slice[GraphSchema]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def create(session: AsyncSession, viewer: Viewer, new: GraphSchemaCreate) -> GraphSchema:
    """Raises TargetNotFound; PermissionDenied for a model where the caller may ask none."""
    if new.parent_id is not None:
        await expect_targets(session, viewer.sight, [new.parent_id])
    if new.model is not None:
        expect_to_ask(viewer.access)
    return await crud.add(
        session,
        GraphSchema(
            id=new_id(),
            workspace_id=viewer.workspace_id,
            name=new.name,
            parent_id=new.parent_id,
            model=new.model,
            instructions=new.instructions,
            entity_types=plain_kinds(new.entity_types),
            relation_types=plain_kinds(new.relation_types),
            automatic=new.automatic,
            owner_id=viewer.access.user_id,
            asked_by=remembered(viewer.access),
        ),
    )


async def get(
    session: AsyncSession, access: Access, schema_id: UUID, *, for_update: bool = False
) -> GraphSchema:
    """A living one; raises SchemaNotFound."""
    schema = await _any(session, access, schema_id, for_update=for_update)
    if schema.deleted_at is not None:
        raise SchemaNotFound
    return schema


async def update(
    session: AsyncSession, viewer: Viewer, schema_id: UUID, change: GraphSchemaUpdate
) -> GraphSchema:
    """Whoever changes it is who pays from now on, bound as they are."""
    schema = await get(session, viewer.access, schema_id, for_update=True)
    await match(session, schema)
    given = change.given()
    if given.get("parent_id") is not None:
        await expect_targets(session, viewer.sight, [UUID(given["parent_id"])])
    for name, value in given.items():
        setattr(schema, name, UUID(value) if name == "parent_id" and value else value)
    if schema.model is not None:
        expect_to_ask(viewer.access)
    schema.owner_id, schema.asked_by = viewer.access.user_id, remembered(viewer.access)
    await session.flush()
    await session.refresh(schema)
    return schema


async def delete(session: AsyncSession, access: Access, schema_id: UUID) -> None:
    """Soft; what it has found stays."""
    schema = await get(session, access, schema_id, for_update=True)
    await match(session, schema)
    schema.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, schema_id: UUID) -> GraphSchema:
    """Bring a deleted schema back; a living one stays as it is."""
    schema = await _any(session, access, schema_id, for_update=True)
    await restorable.bring_back(session, schema)
    return schema


def expect_to_ask(access: Access) -> None:
    """Raise PermissionDenied or FeatureNotAllowed for who may ask no model."""
    if Permission.MODELS_INVOKE not in access.permissions:
        raise PermissionDenied(f"A model is asked with the permission {Permission.MODELS_INVOKE}.")
    expect_feature(access, "chat")


async def _any(
    session: AsyncSession, access: Access, schema_id: UUID, *, for_update: bool
) -> GraphSchema:
    schema = await restorable.find(
        session, GraphSchema, access.workspace_id, schema_id, for_update=for_update
    )
    if schema is None:
        raise SchemaNotFound
    return schema
