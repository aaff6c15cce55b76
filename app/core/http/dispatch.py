"""Finding a request's route among hundreds, without asking each of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from app.core.errors import MethodNotAllowed

_FIXED = 3  # "/v1/agents/{agent}" begins with three that are fixed: "", "v1" and "agents"


class Place(NamedTuple):
    """What a path says before any expression is matched: how many parts, and how it begins."""

    parts: int
    beginning: tuple[str, ...]


class Dispatch:
    """Goes around a router: asks the routes that a path may be meant for, in their order.

    What none of them takes by another method either is the router's own: it knows what to say of a
    slash too many, or of nothing at all.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._known = 0
        self._anywhere: Sequence[BaseRoute] = ()
        self._at: Mapping[Place, Sequence[tuple[str | None, BaseRoute]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get("root_path"):
            others: list[Route] = []
            for route in self._candidates(scope["path"]):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope["router"] = self._router
                    scope.update(found)
                    await route.handle(scope, receive, send)
                    return
                if match is Match.PARTIAL and isinstance(route, Route):
                    others.append(route)
            if others:
                scope["route"] = others[0]  # under which the request is counted
                raise MethodNotAllowed(
                    allow={method for route in others for method in route.methods or ()}
                )
        await self._router.app(scope, receive, send)

    def _candidates(self, path: str) -> Sequence[BaseRoute]:
        if self._known != len(self._router.routes):
            self._read()
        parts = path.split("/")
        found = self._at.get(Place(len(parts), tuple(parts[:_FIXED])))
        if found is None:
            return self._anywhere
        return [route for end, route in found if end is None or end == parts[-1]]

    def _read(self) -> None:
        routes = [(route, _place_of(route)) for route in self._router.routes]
        self._known = len(routes)
        self._anywhere = [route for route, place in routes if place is None]
        self._at = {
            place: [(_end_of(route), route) for route, own in routes if own in (None, place)]
            for place in {place for _, place in routes}
            if place is not None
        }


def _end_of(route: BaseRoute) -> str | None:
    """The last part of all paths that a route takes; None where it is not the same in all."""
    if not isinstance(route, APIRoute) or ":path}" in route.path:
        return None
    end = route.path.rpartition("/")[2]
    return None if "{" in end else end


def _place_of(route: BaseRoute) -> Place | None:
    """Where all that a route takes stands; None where that is in more than one place."""
    if not isinstance(route, APIRoute):
        return None
    parts = route.path.split("/")
    beginning = tuple(parts[:_FIXED])
    # `{name:path}` takes any number of parts.
    if ":path}" in route.path or any("{" in part for part in beginning):
        return None
    return Place(len(parts), beginning)
