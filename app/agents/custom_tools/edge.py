"""How a route reaches the tools of its process."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.custom_tools.source import CustomSource


def custom_of(request: Request) -> CustomSource:
    source: CustomSource = request.app.state.agents.custom_tools
    return source


CustomToolsDep = Annotated[CustomSource, Depends(custom_of)]
