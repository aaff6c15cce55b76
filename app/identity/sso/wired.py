"""What the composition root wired, for this domain's routes."""

from typing import Annotated

from fastapi import Depends, Request

from app.identity.sso.ways import Ways


def ways_of(request: Request) -> Ways:
    ways: Ways = request.app.state.ways
    return ways


WaysDep = Annotated[Ways, Depends(ways_of)]
