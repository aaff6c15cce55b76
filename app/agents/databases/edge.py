"""How a route reads the databases that are connected."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.databases.reading import Reading


def _reading_of(request: Request) -> Reading:
    reading: Reading = request.app.state.agents.databases
    return reading


ReadingDep = Annotated[Reading, Depends(_reading_of)]
