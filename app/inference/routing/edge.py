"""How a route reaches the router of its process."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.routing.planner import Router


def router_of(request: Request) -> Router:
    router: Router = request.app.state.inference.routes
    return router


RouterDep = Annotated[Router, Depends(router_of)]
