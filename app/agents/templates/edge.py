"""What the routes of templates take from the running process."""

from typing import Annotated

from fastapi import Depends, Request

from app.agents.templates.maker import Makers


def makers_of(request: Request) -> Makers:
    makers: Makers = request.app.state.agents.makers
    return makers


MakersDep = Annotated[Makers, Depends(makers_of)]
