"""How a route reaches the engine of calls of its process."""

from typing import Annotated

from fastapi import Depends, Request

from app.inference.calls.calls import Calls


def calls_of(request: Request) -> Calls:
    calls: Calls = request.app.state.inference.calls
    return calls


CallsDep = Annotated[Calls, Depends(calls_of)]
