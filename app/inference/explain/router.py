"""/v1/routes/{route_id}/explain."""

from typing import Annotated

from fastapi import Depends, Path, Request

from app.core.auth import Access, Permission
from app.core.http.guard import guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.inference.explain.breakers import Breakers
from app.inference.explain.schemas import ExplainRequest, RouteExplanation
from app.inference.explain.service import explain
from app.inference.routing.edge import RouterDep
from app.inference.routing.errors import RouteNotFound

Reader = Annotated[Access, require(Permission.ROUTES_READ)]
RouteName = Annotated[
    str, Path(min_length=1, max_length=64, description="A route's id, or its slug.")
]

router = guarded_router(prefix="/v1/routes", tag="routes")


def breakers_of(request: Request) -> Breakers:
    gate: Breakers = request.app.state.inference.gate
    return gate


@router.post(
    "/{route_id}/explain",
    operation_id="routes_explain",
    summary="Say which candidate a request would take, and why not each other one",
    description="`route_id` is an id or a slug, also `auto`, `fast` and `cheap`. Nothing is sent.",
    response_model=RouteExplanation,
    dependencies=[off_rails("it changes nothing")],
    responses=problems(RouteNotFound),
)
async def explain_route(
    access: Reader,
    routes: RouterDep,
    breakers: Annotated[Breakers, Depends(breakers_of)],
    route_id: RouteName,
    asked: ExplainRequest,
) -> RouteExplanation:
    return await explain(routes, breakers, access, route_id, asked)
