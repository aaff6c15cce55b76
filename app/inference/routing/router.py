"""/v1/routes."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.db import AsyncSession, on_commit
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.routing import service
from app.inference.routing.edge import RouterDep
from app.inference.routing.errors import RouteNotFound, RouteSlugTaken
from app.inference.routing.learning import learning_of
from app.inference.routing.models import Route
from app.inference.routing.planner import Router
from app.inference.routing.schemas import RouteCreate, RouteQuery, RouteUpdate
from app.inference.routing.schemas_read import RouteLearning, RouteRead

Reader = Annotated[Access, require(Permission.ROUTES_READ)]
Writer = Annotated[Access, require(Permission.ROUTES_WRITE)]

router = guarded_router(prefix="/v1/routes", tag="routes")


@router.get(
    "",
    operation_id="routes_list",
    summary="List routes",
    description="Your own ones. `auto`, `fast` and `cheap` are there without being listed.",
    response_model=Page[RouteRead],
    responses=problems(CursorInvalid),
)
async def list_routes(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[RouteQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="routes_create",
    summary="Create a route",
    status_code=201,
    response_model=RouteRead,
    responses=problems(RouteSlugTaken),
)
async def create_route(
    access: Writer, session: Session, routes: RouterDep, new: RouteCreate, response: Response
) -> Route:
    _forget(session, routes, access)
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/routes/{made.id}"
    return made


@router.get(
    "/{route_id}",
    operation_id="routes_get",
    summary="Show a route",
    response_model=RouteRead,
    responses=problems(RouteNotFound),
)
async def get_route(access: Reader, session: Session, route_id: UUID) -> Route:
    return await service.get(session, access, route_id)


@router.patch(
    "/{route_id}",
    operation_id="routes_update",
    summary="Change a route, or freeze what it has learned",
    response_model=RouteRead,
    responses=problems(RouteNotFound),
)
async def update_route(
    access: Writer, session: Session, routes: RouterDep, route_id: UUID, change: RouteUpdate
) -> Route:
    _forget(session, routes, access)
    return await service.update(session, access, route_id, change)


@router.delete(
    "/{route_id}",
    operation_id="routes_delete",
    summary="Delete a route; it can be restored for 30 days",
    status_code=204,
    responses=problems(RouteNotFound),
)
async def delete_route(access: Writer, session: Session, routes: RouterDep, route_id: UUID) -> None:
    _forget(session, routes, access)
    await service.delete(session, access, route_id)


@router.post(
    "/{route_id}/restore",
    operation_id="routes_restore",
    summary="Bring a deleted route back",
    response_model=RouteRead,
    responses=problems(RouteNotFound, RouteSlugTaken, RestoreExpired),
)
async def restore_route(
    access: Writer, session: Session, routes: RouterDep, route_id: UUID
) -> Route:
    _forget(session, routes, access)
    return await service.restore(session, access, route_id)


@router.get(
    "/{route_id}/learning",
    operation_id="routes_get_learning",
    summary="Show what an adaptive route has learned",
    response_model=RouteLearning,
    responses=problems(RouteNotFound),
)
async def get_learning(access: Reader, routes: RouterDep, route_id: UUID) -> RouteLearning:
    return await learning_of(routes, access.workspace_id, route_id)


@router.delete(
    "/{route_id}/learning",
    operation_id="routes_reset_learning",
    summary="Have an adaptive route start again from nothing",
    status_code=204,
    responses=problems(RouteNotFound),
)
async def reset_learning(
    access: Writer, session: Session, routes: RouterDep, route_id: UUID
) -> None:
    _forget(session, routes, access)
    await service.reset_learning(session, access, route_id)


def _forget(session: AsyncSession, routes: Router, access: Access) -> None:
    on_commit(session, lambda: routes.forget(access.workspace_id))
