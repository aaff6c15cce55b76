"""What a workspace does with its routes."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.routing import crud
from app.inference.routing.errors import RouteNotFound
from app.inference.routing.models import Route
from app.inference.routing.schemas import (
    AdaptiveSettings,
    RouteConstraints,
    RouteCreate,
    RouteFailover,
    RouteQuery,
    RouteUpdate,
)

# The parts of a route that a merge patch reaches into.
NESTED: dict[str, type[BaseModel]] = {
    "failover": RouteFailover,
    "constraints": RouteConstraints,
    "adaptive": AdaptiveSettings,
}


async def create(session: AsyncSession, access: Access, new: RouteCreate) -> Route:
    """Raises RouteSlugTaken."""
    if new.is_default:
        await crud.withdraw_default(session, access.workspace_id)
    told = new.model_dump(mode="json", exclude={"name"})
    return await crud.add(
        session,
        Route(id=new_id(), workspace_id=access.workspace_id, name=new.name or new.slug, **told),
    )


async def get(
    session: AsyncSession, access: Access, route_id: UUID, *, for_update: bool = False
) -> Route:
    """A living route; raises RouteNotFound."""
    route = await restorable.find(
        session, Route, access.workspace_id, route_id, for_update=for_update
    )
    if route is None or route.deleted_at:
        raise RouteNotFound
    return route


async def page(
    session: AsyncSession, access: Access, query: RouteQuery, cursors: Cursors
) -> Slice[Route]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession, access: Access, route_id: UUID, change: RouteUpdate
) -> Route:
    route = await get(session, access, route_id, for_update=True)
    await match(session, route)
    told = change.model_dump(mode="json", exclude_unset=True)
    # Lists are replaced whole, with what they leave out at its default.
    told |= change.model_dump(
        mode="json", include=change.model_fields_set & {"candidates", "on_overflow"}
    )
    if told.get("is_default") and not route.is_default:
        await crud.withdraw_default(session, access.workspace_id)
    for name, value in told.items():
        schema = NESTED.get(name)
        setattr(route, name, _merged(schema, getattr(route, name), value) if schema else value)
    await session.flush()
    await session.refresh(route)
    return route


def _merged(schema: type[BaseModel], before: dict[str, Any], change: dict[str, Any]) -> object:
    return schema.model_validate(_merge(before, change)).model_dump(mode="json")


def _merge(before: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """RFC 7396, but that null stays null: the schema says what it means."""
    merged = dict(before)
    for name, value in change.items():
        nested = isinstance(value, dict) and isinstance(before.get(name), dict)
        merged[name] = _merge(before[name], value) if nested else value
    return merged


async def delete(session: AsyncSession, access: Access, route_id: UUID) -> None:
    """Soft: `restore` brings it back for 30 days, with what it has learned."""
    route = await get(session, access, route_id, for_update=True)
    await match(session, route)
    route.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, route_id: UUID) -> Route:
    """Bring a deleted route back, no longer as the default one.

    Raises RouteNotFound, RestoreExpired and RouteSlugTaken.
    """
    route = await restorable.find(session, Route, access.workspace_id, route_id, for_update=True)
    if route is None:
        raise RouteNotFound
    restorable.expect_restorable(route)
    if route.deleted_at:
        route.is_default = False
        await crud.restore(session, route)
        await session.flush()
        await session.refresh(route)
    return route


async def reset_learning(session: AsyncSession, access: Access, route_id: UUID) -> None:
    """Have an adaptive route start again from nothing, whatever waits to be stored of it."""
    route = await get(session, access, route_id, for_update=True)
    await match(session, route)
    route.generation += 1
    await session.flush()
    await crud.forget_arms(session, access.workspace_id, route.id)
