"""What the routes of a model's help take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.automation.generation.suggesting import Suggesting


def _suggesting_of(request: Request) -> Suggesting:
    suggesting: Suggesting = request.app.state.automation.suggesting
    return suggesting


SuggestingDep = Annotated[Suggesting, Depends(_suggesting_of)]
