"""What routes of this room take from the engine of the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.automation.engine.starting import Starter


def starter_of(request: Request) -> Starter:
    starter: Starter = request.app.state.automation.starter
    return starter


StarterDep = Annotated[Starter, Depends(starter_of)]
