"""How a route reaches the response cache of its process."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.cache.responses import Responses


def responses_of(request: Request) -> Responses:
    responses: Responses = request.app.state.inference.responses
    return responses


ResponsesDep = Annotated[Responses, Depends(responses_of)]
